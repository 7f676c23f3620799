//! Looks at budgets, and tells the finance channel of a threshold once a month.

use std::sync::Arc;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use workflow_engine::{
    engine::{
        Engine,
        budgets::{TELL, Tell},
        jobs::{Handler, JobError},
    },
    ports::chat::{Card, ChatPlatform, Place, Tone},
    store::{calls::CallStore, queue::Job},
};

use crate::chat::once::Once;

/// Kind of the job that looks.
pub const LOOK: &str = "budget_watch";

/// Looks at budgets and tells of them.
pub struct BudgetWatch {
    engine: Engine,
    calls: CallStore,
    platform: Option<Arc<dyn ChatPlatform>>,
}

impl BudgetWatch {
    /// A watch over this engine's budgets; without a chat, alerts are kept and shown on the spend page only.
    #[must_use]
    pub fn new(engine: Engine, calls: CallStore, platform: Option<Arc<dyn ChatPlatform>>) -> Self {
        Self {
            engine,
            calls,
            platform,
        }
    }

    async fn tell(&self, job: &Job) -> Result<(), JobError> {
        let tell: Tell = serde_json::from_str(&job.payload).map_err(JobError::permanent)?;
        let Some(platform) = &self.platform else {
            return Ok(());
        };
        let (_, catalog) = self.engine.catalog().await?;
        let to = Place::channel(catalog.company.finance_channel.trim_start_matches('#'));
        // The job's id is the message's mark: a second try finds what the first one posted.
        let mark = format!("budget:{}", job.ticket.id);
        let once = Once {
            engine: &self.engine,
            platform: platform.as_ref(),
            job,
        };
        once.post(&to, &card(&tell), &mark).await.map(drop)
    }
}

/// One sentence; red when the whole budget is used.
fn card(tell: &Tell) -> Card {
    let tone = if tell.used_up { Tone::Bad } else { Tone::Waiting };
    Card::line(tone, tell.sentence.clone())
}

#[async_trait]
impl Handler for BudgetWatch {
    fn kinds(&self) -> &'static [&'static str] {
        &[LOOK, TELL]
    }

    async fn run(&self, job: &Job, _stop: &CancellationToken) -> Result<(), JobError> {
        if job.kind == LOOK {
            let told = self.engine.watch_budgets(&self.calls).await?;
            tracing::debug!(told, "budgets looked at");
            return Ok(());
        }
        self.tell(job).await
    }
}

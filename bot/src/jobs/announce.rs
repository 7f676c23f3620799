//! Says one event in the thread, and reminds whom it names.

use std::sync::Arc;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use workflow_engine::{
    change::effect::Effect,
    engine::jobs::{Handler, JobError},
    store::queue::Job,
};

use super::publish_ledger;
use crate::chat::{Chat, copies::Posting};

/// Serves `announce`.
pub struct Announce {
    chat: Arc<Chat>,
}

impl Announce {
    /// Replies of this conversation.
    #[must_use]
    pub fn new(chat: Arc<Chat>) -> Self {
        Self { chat }
    }
}

#[async_trait]
impl Handler for Announce {
    fn kinds(&self) -> &'static [&'static str] {
        &["announce"]
    }

    async fn run(&self, job: &Job, _stop: &CancellationToken) -> Result<(), JobError> {
        let effect: Effect = serde_json::from_str(&job.payload).map_err(JobError::permanent)?;
        let (Effect::Announce { event }, Some(id)) = (effect, &job.change_id) else {
            return Err(JobError::permanent("not an announcement of a change"));
        };
        self.chat.outbox().announce(id, event, Posting::By(job)).await?;
        Ok(publish_ledger::after(self.chat.engine(), id, event).await?)
    }
}

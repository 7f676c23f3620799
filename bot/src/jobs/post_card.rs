//! Brings every copy of a change's card to the state as it is.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use workflow_engine::{
    change::state::State,
    engine::jobs::{Handler, JobError},
    store::{self, commit::JobRow, queue::Job},
    values::JobId,
};

use crate::chat::{Chat, copies::Posting};

/// How often the card of a running test is brought up to date.
const PROGRESS: Duration = Duration::from_secs(5);
/// How soon a card looks again for the ledger's number of what it shows: sealing takes well under a second.
const NUMBER: Duration = Duration::from_secs(1);

/// Serves `refresh_card`.
pub struct PostCard {
    chat: Arc<Chat>,
}

impl PostCard {
    /// Cards of this conversation.
    #[must_use]
    pub fn new(chat: Arc<Chat>) -> Self {
        Self { chat }
    }

    /// Another look later, where the card will have more to show than now: progress, or a place in the ledger.
    async fn look_again(&self, change_id: &str, tries: u32) -> Result<(), JobError> {
        let engine = self.chat.engine();
        let Some(loaded) = store::changes::by_id(engine.db(), change_id).await? else {
            return Ok(());
        };
        let testing = loaded.change.state == State::ShadowTesting && loaded.change.test.is_some();
        let newest = store::changes::events(engine.db(), change_id).await?.pop();
        let seqs = newest.iter().map(|event| event.seq).collect();
        let unsealed = store::views::places(engine.db(), seqs).await?.is_empty() && tries < 5;
        let after = match (unsealed, testing) {
            (true, _) => NUMBER,
            (false, true) => PROGRESS,
            (false, false) => return Ok(()),
        };
        let now = engine.clock().now().timestamp_millis();
        let due_at = now + i64::try_from(after.as_millis()).unwrap_or(5_000);
        let tries = if unsealed { tries + 1 } else { 0 };
        let row = JobRow {
            id: JobId(engine.clock().new_id().to_string()),
            event_n: 0,
            kind: "refresh_card",
            lane: None,
            // One look for each second and change, however many ask for it.
            dedup: Some(format!("refresh_card:again:{change_id}:{}", due_at / 1_000)),
            payload: format!(r#"{{"again":"{change_id}","tries":{tries}}}"#),
            due_at,
            // A database that crashes and comes back uses up a few.
            max_attempts: 12,
        };
        store::queue::enqueue(engine.db(), row, now).await?;
        Ok(())
    }
}

#[async_trait]
impl Handler for PostCard {
    fn kinds(&self) -> &'static [&'static str] {
        &["refresh_card"]
    }

    async fn run(&self, job: &Job, _stop: &CancellationToken) -> Result<(), JobError> {
        let payload: serde_json::Value = serde_json::from_str(&job.payload).map_err(JobError::permanent)?;
        let (id, tries, posting) = match (&job.change_id, payload["again"].as_str()) {
            (Some(id), _) => (id.as_str(), 0, Posting::By(job)),
            // Out of the thread's order, so it may meet the job that posts what is missing.
            (None, Some(id)) => (id, payload["tries"].as_u64().unwrap_or(0), Posting::Never),
            (None, None) => return Err(JobError::permanent("a card of no change")),
        };
        self.chat.outbox().refresh(id, posting).await?;
        self.look_again(id, u32::try_from(tries).unwrap_or(0)).await
    }
}

//! Tells the approvers that they are asked, each by a direct message that follows the change.

use std::sync::Arc;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use workflow_engine::{
    engine::jobs::{Handler, JobError},
    store::queue::Job,
};

use crate::chat::{Chat, copies::Posting};

/// Serves `notify_approvers`.
pub struct AskApprovers {
    chat: Arc<Chat>,
}

impl AskApprovers {
    /// Approvers in this conversation.
    #[must_use]
    pub fn new(chat: Arc<Chat>) -> Self {
        Self { chat }
    }
}

#[async_trait]
impl Handler for AskApprovers {
    fn kinds(&self) -> &'static [&'static str] {
        &["notify_approvers"]
    }

    async fn run(&self, job: &Job, _stop: &CancellationToken) -> Result<(), JobError> {
        let id = job
            .change_id
            .as_deref()
            .ok_or_else(|| JobError::permanent("approvers of no change"))?;
        self.chat.outbox().ask(id, Posting::By(job)).await
    }
}

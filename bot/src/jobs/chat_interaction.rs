//! Takes up what somebody did in chat, from its row in the inbox.

use std::sync::Arc;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use workflow_engine::{
    engine::jobs::{Handler, JobError},
    store::{inbox, queue::Job},
};

use crate::chat::Chat;

/// Takes up deliveries of one platform.
pub struct ChatInteraction {
    chat: Arc<Chat>,
}

impl ChatInteraction {
    /// Deliveries to this conversation.
    #[must_use]
    pub fn new(chat: Arc<Chat>) -> Self {
        Self { chat }
    }
}

#[async_trait]
impl Handler for ChatInteraction {
    fn kinds(&self) -> &'static [&'static str] {
        &[inbox::JOB]
    }

    async fn run(&self, job: &Job, _stop: &CancellationToken) -> Result<(), JobError> {
        let seq = job.payload.parse().map_err(JobError::permanent)?;
        self.chat.take_up(seq).await
    }
}

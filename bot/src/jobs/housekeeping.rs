//! Forgets sessions and sign-in links that have ended, once a night.

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use workflow_engine::{
    engine::{
        Engine,
        jobs::{Handler, JobError},
    },
    store::{self, queue::Job},
};

/// The job's kind.
pub const KIND: &str = "housekeeping";

/// Forgets what has ended.
pub struct Housekeeping {
    engine: Engine,
}

impl Housekeeping {
    /// For this engine's database.
    #[must_use]
    pub fn new(engine: Engine) -> Self {
        Self { engine }
    }
}

#[async_trait]
impl Handler for Housekeeping {
    fn kinds(&self) -> &'static [&'static str] {
        &[KIND]
    }

    async fn run(&self, _job: &Job, _stop: &CancellationToken) -> Result<(), JobError> {
        let gone = store::sessions::sweep(self.engine.db(), self.engine.clock().now()).await?;
        tracing::debug!(sessions = gone, "ended sessions forgotten");
        Ok(())
    }
}

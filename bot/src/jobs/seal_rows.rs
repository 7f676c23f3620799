//! Seals the calls and decisions of the days that are over into the ledger, one entry a day.

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use workflow_engine::{
    engine::{
        Engine,
        jobs::{Handler, JobError},
    },
    store::{calls::CallStore, queue::Job},
};

/// The job's kind.
pub const KIND: &str = "seal_rows";

/// Seals rows.
pub struct SealRows {
    engine: Engine,
    calls: CallStore,
}

impl SealRows {
    /// Of these calls and this engine's decisions.
    #[must_use]
    pub fn new(engine: Engine, calls: CallStore) -> Self {
        Self { engine, calls }
    }
}

#[async_trait]
impl Handler for SealRows {
    fn kinds(&self) -> &'static [&'static str] {
        &[KIND]
    }

    async fn run(&self, _job: &Job, _stop: &CancellationToken) -> Result<(), JobError> {
        let entries = self.engine.seal_rows(&self.calls).await?;
        if entries > 0 {
            tracing::info!(entries, "days of calls and decisions were sealed");
        }
        Ok(())
    }
}

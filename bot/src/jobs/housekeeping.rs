//! Forgets what has ended, once a night: sessions and sign-in links, deliveries of chat, keys of commands, what old tests saw.

use async_trait::async_trait;
use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;
use workflow_engine::{
    engine::{
        Engine,
        jobs::{Handler, JobError},
        shadow::vault::Vault,
    },
    store::{self, queue::Job},
};

/// The job's kind.
pub const KIND: &str = "housekeeping";
/// How long ids of deliveries and keys of commands are kept: whoever repeats within it hears the first answer. Platforms
/// repeat for hours, people for a weekend.
const REPEATS: TimeDelta = TimeDelta::days(7);

/// Forgets what has ended.
pub struct Housekeeping {
    engine: Engine,
    vault: Vault,
}

impl Housekeeping {
    /// For this engine's database.
    #[must_use]
    pub fn new(engine: Engine, vault: Vault) -> Self {
        Self { engine, vault }
    }
}

#[async_trait]
impl Handler for Housekeeping {
    fn kinds(&self) -> &'static [&'static str] {
        &[KIND]
    }

    async fn run(&self, _job: &Job, _stop: &CancellationToken) -> Result<(), JobError> {
        let (db, now) = (self.engine.db(), self.engine.clock().now());
        let before = (now - REPEATS).timestamp_millis();
        let sessions = store::sessions::sweep(db, now).await?;
        let deliveries = store::inbox::forget(db, before).await?;
        let commands = store::commands::forget(db, before).await?;
        let tests = self.vault.erase_due().await?;
        tracing::info!(
            sessions,
            deliveries,
            commands,
            tests,
            "forgot ended sessions, deliveries and command keys older than seven days, and what old tests saw"
        );
        Ok(())
    }
}

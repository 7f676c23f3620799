//! Asks the witnesses to cosign the ledger's newest head: once for the heads of a few seconds, from one replica.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use workflow_engine::{
    engine::{
        Engine,
        jobs::{Handler, JobError},
        ledger::Ledger,
    },
    ports::witness::Witness,
    store::{self, commit::JobRow, error::StoreError, queue::Job},
    values::JobId,
};

/// The job's kind.
pub const KIND: &str = "witness_head";
/// How soon a witness that could not be asked is asked again, when no new head comes before.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// Asks the witnesses.
pub struct Witnesses {
    engine: Engine,
    ledger: Ledger,
    witnesses: Vec<Arc<dyn Witness>>,
}

impl Witnesses {
    /// These witnesses of this ledger.
    #[must_use]
    pub fn new(engine: Engine, ledger: Ledger, witnesses: Vec<Arc<dyn Witness>>) -> Self {
        Self {
            engine,
            ledger,
            witnesses,
        }
    }
}

#[async_trait]
impl Handler for Witnesses {
    fn kinds(&self) -> &'static [&'static str] {
        &[KIND]
    }

    async fn run(&self, _job: &Job, _stop: &CancellationToken) -> Result<(), JobError> {
        let keys = self.witnesses.iter().map(|one| one.key().to_string()).collect();
        store::ledger::witnesses::keep_only(self.engine.db(), keys).await?;
        let mut troubled = false;
        for witness in &self.witnesses {
            let asked = self.ledger.ask(witness.as_ref(), self.engine.clock().now()).await;
            let Some(standing) = asked.map_err(JobError::retry)? else {
                continue;
            };
            let (name, why) = (witness.key().name(), standing.trouble.as_deref());
            match why {
                Some(why) if standing.alarm => tracing::error!(
                    witness = name,
                    why,
                    "a witness holds another ledger than ours; see docs/verifying.md"
                ),
                Some(why) => {
                    tracing::warn!(witness = name, why, "a witness did not cosign; it is asked again")
                }
                None => tracing::debug!(witness = name, size = standing.size, "cosigned"),
            }
            troubled |= why.is_some();
        }
        if troubled {
            ask(&self.engine, LOOK_AGAIN).await?;
        }
        Ok(())
    }
}

/// Has the witnesses asked at the end of the present stretch of time `every`, whatever else asks for it meanwhile.
///
/// # Errors
/// When the database cannot be written.
pub async fn ask(engine: &Engine, every: Duration) -> Result<(), StoreError> {
    let now = engine.clock().now().timestamp_millis();
    let every = i64::try_from(every.as_millis()).unwrap_or(i64::MAX).max(1);
    let due_at = (now / every + 1).saturating_mul(every);
    let job = JobRow {
        id: JobId(engine.clock().new_id().to_string()),
        event_n: 0,
        kind: KIND,
        lane: Some(KIND.to_owned()),
        dedup: Some(format!("{KIND}:{due_at}")),
        payload: "{}".to_owned(),
        due_at,
        max_attempts: 3,
    };
    store::queue::enqueue(engine.db(), job, now).await?;
    Ok(())
}

/// Has the witnesses asked at the start and whenever `signed` says that there is a new head, until `stop`.
pub async fn follow(engine: Engine, every: Duration, signed: Arc<Notify>, stop: CancellationToken) {
    loop {
        if let Err(error) = ask(&engine, every).await {
            tracing::warn!(%error, "the witnesses could not be asked; the next head asks again");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = signed.notified() => {}
        }
    }
}

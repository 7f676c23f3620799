//! The sealer at work during a bench, and how long events waited for it.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use workflow_engine::{
    engine::seal::{SealError, Sealed, Sealer},
    ledger::key::{KeyKind, SigningKey},
    ports::clock::Clock,
    store::{db::Db, ledger::read},
};

use crate::clock::SystemClock;

/// As `ledger.seal_every_ms` has it by default.
const PACE: Duration = Duration::from_millis(250);

/// A running sealer.
pub(super) struct Sealing {
    stop: CancellationToken,
    running: JoinHandle<()>,
    lags: Arc<Mutex<Vec<Duration>>>,
}

impl Sealing {
    /// Starts one.
    pub(super) fn start(db: &Db) -> anyhow::Result<Self> {
        // Signs nothing but the bench's own tables, turn after turn under one name.
        let key = SigningKey::from_seed("bench.local/ledger", KeyKind::Note, &[0; 32])?;
        let sealer = Sealer::new(db.clone(), Arc::new(key), "bench");
        let (stop, lags) = (CancellationToken::new(), Arc::<Mutex<Vec<Duration>>>::default());
        let running = tokio::spawn({
            let (stop, lags) = (stop.clone(), Arc::clone(&lags));
            async move {
                let told = |round: &Result<Sealed, SealError>| {
                    let Ok(sealed) = round else { return };
                    let now = SystemClock.now().timestamp_millis();
                    let waited =
                        |at: &i64| Duration::from_millis(u64::try_from(now - at).unwrap_or_default());
                    let mut lags = lags.lock().unwrap_or_else(PoisonError::into_inner);
                    lags.extend(sealed.happened.iter().map(waited));
                };
                sealer.run(&SystemClock, PACE, stop, told).await;
            }
        });
        Ok(Self { stop, running, lags })
    }

    /// How many events were sealed so far.
    pub(super) fn so_far(&self) -> u64 {
        self.lags.lock().unwrap_or_else(PoisonError::into_inner).len() as u64
    }

    /// Seals what still waits; gives from commit to signature for every event, and whether none was left.
    pub(super) async fn finish(self, db: &Db) -> anyhow::Result<(Vec<Duration>, bool)> {
        self.stop.cancel();
        self.running.await?;
        let left = read::anything_to_do(db).await?;
        let lags = std::mem::take(&mut *self.lags.lock().unwrap_or_else(PoisonError::into_inner));
        Ok((lags, !left))
    }
}

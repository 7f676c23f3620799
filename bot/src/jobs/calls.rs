//! Chores of the store of calls: sums are folded each second, days prepared and old things forgotten each hour.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use workflow_engine::store::calls::{CallStore, Retention};

/// Deltas that one folding takes at most: when it took so many, more may wait.
const MOST: usize = 20_000;
/// Turns of [`tend`] in an hour.
const HOUR: u64 = 3600;
/// When there was nothing to fold, so many turns go by before the next look: sums are right without it.
const IDLE: u64 = 5;

/// Looks after `calls` until `stop`. Every replica may do it: the database lets one of them work at a time.
pub async fn tend(calls: CallStore, keep: Retention, stop: CancellationToken) {
    let mut turn: u64 = 0;
    let mut busy = true;
    while !stop.is_cancelled() {
        if busy || turn.is_multiple_of(IDLE) {
            match chores(&calls, keep, turn.is_multiple_of(HOUR)).await {
                Ok(folded) => busy = folded > 0,
                // What was not done is done on a later turn; once a minute is enough to say so.
                Err(error) if turn.is_multiple_of(60) => {
                    tracing::warn!(%error, "calls could not be looked after");
                }
                Err(_) => {}
            }
        }
        turn += 1;
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
    }
}

/// Says how much the last folding took.
async fn chores(
    calls: &CallStore,
    keep: Retention,
    hourly: bool,
) -> Result<usize, workflow_engine::store::error::StoreError> {
    if hourly {
        calls.prepare().await?;
        calls.prune(keep).await?;
    }
    loop {
        let folded = calls.fold().await?;
        if folded < MOST {
            return Ok(folded);
        }
    }
}

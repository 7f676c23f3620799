//! Keeps the gate's memory fresh: catalog, live routes and budgets, twice a minute.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use workflow_engine::engine::gate::Gate;

/// How old what the gate knows may be.
const EVERY: Duration = Duration::from_secs(30);

/// Refreshes `gate` until `stop`. Each replica has its own.
pub async fn tend(gate: Gate, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if let Err(error) = gate.refresh().await {
            tracing::warn!(%error, "the policy's answers to gateways are older than usual");
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

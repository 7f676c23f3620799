//! What runs beside the HTTP server: jobs, the sealer, rollups, schedules, sockets.

use std::{sync::Arc, time::Duration};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use workflow_engine::{
    engine::{Engine, jobs::Runner, seal::Sealer},
    store::calls::CallStore,
};

use crate::{chat::Chat, config::Config};

/// How long an event waits at most before it is sealed, and a call before it is in the sums.
const PACE: Duration = Duration::from_millis(500);

/// What the tasks work with.
pub(super) struct Needs {
    pub(super) runner: Runner,
    pub(super) sealer: Sealer,
    pub(super) engine: Engine,
    pub(super) calls: CallStore,
    pub(super) config: Arc<Config>,
    pub(super) chat: Option<Arc<Chat>>,
    pub(super) stop: CancellationToken,
}

/// Spawns them all; each ends when `stop` is cancelled.
pub(super) fn spawn(tasks: &mut JoinSet<()>, needs: Needs) {
    let Needs {
        runner,
        sealer,
        engine,
        calls,
        config,
        chat,
        stop,
    } = needs;
    let ends = stop.clone();
    tasks.spawn(async move { runner.run(ends).await });
    tasks.spawn(seal(sealer, engine.clone(), stop.clone()));
    tasks.spawn(fold(calls, stop.clone()));
    tasks.spawn(crate::jobs::schedule::run(engine, config.clone(), stop.clone()));
    if let Some(chat) = chat {
        tasks.spawn(super::outside::sockets(config, chat, stop));
    }
}

/// Seals what is pending; a last time when the service ends, so that nothing waits for the next start.
async fn seal(sealer: Sealer, engine: Engine, stop: CancellationToken) {
    loop {
        let ending = stop.is_cancelled();
        if let Err(error) = sealer.seal_once(engine.clock().now()).await {
            tracing::warn!(error = %error, "events could not be sealed; trying again");
        }
        if ending {
            return;
        }
        pause(&stop).await;
    }
}

/// Drains rollup deltas into hourly sums.
async fn fold(calls: CallStore, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if let Err(error) = calls.fold().await {
            tracing::warn!(error = %error, "sums of calls could not be brought up to date; trying again");
        }
        pause(&stop).await;
    }
}

async fn pause(stop: &CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = tokio::time::sleep(PACE) => {}
    }
}

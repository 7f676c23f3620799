//! What runs beside the HTTP server: jobs, the sealer, rollups, schedules, sockets.

use std::{sync::Arc, time::Duration};

use tokio::{sync::Notify, task::JoinSet};
use tokio_util::sync::CancellationToken;
use workflow_engine::{
    engine::{
        Engine,
        jobs::Runner,
        seal::{SealError, Sealed, Sealer},
    },
    store::calls::{CallStore, Retention},
};

use crate::{
    chat::connect::Connection,
    config::Config,
    jobs::{self, schedule::Schedules},
};

/// How long an event waits at most before it is sealed.
const PACE: Duration = Duration::from_millis(500);

/// What the tasks work with.
pub(super) struct Needs {
    pub(super) runners: Vec<Runner>,
    pub(super) sealer: Sealer,
    pub(super) config: Arc<Config>,
    pub(super) engine: Engine,
    pub(super) calls: CallStore,
    pub(super) chat: Option<Connection>,
    pub(super) schedules: Schedules,
    pub(super) stop: CancellationToken,
}

/// Spawns them all; each ends when `stop` is cancelled.
pub(super) fn spawn(tasks: &mut JoinSet<()>, needs: Needs) {
    let Needs {
        runners,
        sealer,
        config,
        engine,
        calls,
        chat,
        schedules,
        stop,
    } = needs;
    for runner in runners {
        let stop = stop.clone();
        tasks.spawn(async move { runner.run(stop).await });
    }
    let (clock, ends) = (Arc::clone(engine.clock()), stop.clone());
    let signed = Arc::new(Notify::new());
    if !config.ledger.witnesses.is_empty() {
        let every = Duration::from_secs(config.ledger.witness_every_seconds);
        tasks.spawn(jobs::witness::follow(
            engine.clone(),
            every,
            signed.clone(),
            stop.clone(),
        ));
    }
    tasks.spawn(async move {
        let told = |round: &Result<Sealed, SealError>| {
            if round.as_ref().is_ok_and(|sealed| !sealed.signed.is_empty()) {
                signed.notify_one();
            }
        };
        sealer.run(clock.as_ref(), PACE, ends, told).await;
    });
    tasks.spawn(jobs::calls::tend(calls, Retention::default(), stop.clone()));
    let ends = stop.clone();
    tasks.spawn(async move { schedules.run(ends).await });
    if let Some(chat) = chat {
        tasks.spawn(async move { chat.run(stop).await });
    }
}

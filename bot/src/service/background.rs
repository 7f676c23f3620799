//! What runs beside the HTTP server: jobs, the sealer, rollups, schedules, sockets.

use std::{sync::Arc, time::Duration};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use workflow_engine::{
    engine::{Engine, jobs::Runner, seal::Sealer},
    store::calls::{CallStore, Retention},
};

use crate::{
    chat::connect::Connection,
    jobs::{self, schedule::Schedules},
};

/// How long an event waits at most before it is sealed.
const PACE: Duration = Duration::from_millis(500);

/// What the tasks work with.
pub(super) struct Needs {
    pub(super) runners: Vec<Runner>,
    pub(super) sealer: Sealer,
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
    tasks.spawn(async move { sealer.run(clock.as_ref(), PACE, ends, |_| {}).await });
    tasks.spawn(jobs::calls::tend(calls, Retention::default(), stop.clone()));
    let ends = stop.clone();
    tasks.spawn(async move { schedules.run(ends).await });
    if let Some(chat) = chat {
        tasks.spawn(async move { chat.run(stop).await });
    }
}

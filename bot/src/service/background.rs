//! What runs beside the HTTP server: jobs, rollups, schedules, sockets; and the sealer, which goes last.

use std::{sync::Arc, time::Duration};

use tokio::{sync::Notify, task::JoinSet};
use tokio_util::sync::CancellationToken;
use workflow_engine::{
    engine::{
        Engine,
        gate::Gate,
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
    pub(super) calls: CallStore,
    pub(super) gate: Gate,
    pub(super) chat: Option<Connection>,
    pub(super) schedules: Schedules,
    /// What people do comes in until then.
    pub(super) closing: CancellationToken,
    pub(super) stop: CancellationToken,
}

/// Spawns them all; each ends when `stop` is cancelled.
pub(super) fn spawn(tasks: &mut JoinSet<()>, needs: Needs) {
    let Needs {
        runners,
        calls,
        gate,
        chat,
        schedules,
        closing,
        stop,
    } = needs;
    for runner in runners {
        let stop = stop.clone();
        tasks.spawn(async move { runner.run(stop).await });
    }
    tasks.spawn(jobs::calls::tend(calls, Retention::default(), stop.clone()));
    tasks.spawn(jobs::gate::tend(gate, stop.clone()));
    tasks.spawn(async move { schedules.run(stop).await });
    if let Some(chat) = chat {
        tasks.spawn(async move { chat.run(closing).await });
    }
}

/// Spawns the sealer, and whoever asks witnesses about what it signs; they end after everything whose events they seal.
pub(super) fn seal(
    tasks: &mut JoinSet<()>,
    sealer: Sealer,
    engine: &Engine,
    config: &Config,
    end: CancellationToken,
) {
    let signed = Arc::new(Notify::new());
    if !config.ledger.witnesses.is_empty() {
        let every = Duration::from_secs(config.ledger.witness_every_seconds);
        tasks.spawn(jobs::witness::follow(
            engine.clone(),
            every,
            signed.clone(),
            end.clone(),
        ));
    }
    let clock = Arc::clone(engine.clock());
    tasks.spawn(async move {
        let told = |round: &Result<Sealed, SealError>| {
            if round.as_ref().is_ok_and(|sealed| !sealed.signed.is_empty()) {
                signed.notify_one();
            }
        };
        sealer.run(clock.as_ref(), PACE, end, told).await;
    });
}

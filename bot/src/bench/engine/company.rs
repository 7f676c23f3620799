//! A database with an engine on it, driven for a while: transitions alone, or with every effect delivered and every
//! event sealed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use workflow_engine::{
    catalog::Catalog,
    engine::{
        Engine,
        jobs::{Handler, JobError, Runner},
    },
    ports::clock::Clock,
    store::{self, db::Db, queue::Job},
    values::Actor,
};

use super::{super::sealing::Sealing, workflow};
use crate::{clock::SystemClock, storage};

/// Connections, as a replica has.
const CONNECTIONS: u32 = 20;

/// What a turn came to.
#[derive(Clone, Debug, Default)]
pub(super) struct Turn {
    /// Workflows that were finished in the turn; with effects and sealing, those of which everything was.
    pub(super) workflows: u64,
    /// Of how long.
    pub(super) took: Duration,
    /// Of each transition.
    pub(super) latencies: Vec<Duration>,
    /// Transitions for each sync of the log.
    pub(super) per_sync: Option<f64>,
    /// Effects that were delivered.
    pub(super) delivered: u64,
    /// How long each event waited for its signature.
    pub(super) lags: Vec<Duration>,
    /// Whether nothing was left in the end.
    pub(super) sealed: bool,
    /// Events a second of a sealer that had nothing beside it, where that was measured.
    pub(super) sealed_per_s: Option<f64>,
}

/// The bench's own company.
pub(super) struct Company {
    db: Db,
    engine: Engine,
    // Names of this run are not those of an earlier one on the same database, whose commands would be repeats.
    run: i64,
    turns: AtomicU64,
}

impl Company {
    /// Opens an empty database, makes its schema and applies the bench's catalog.
    pub(super) async fn open(url: &str) -> anyhow::Result<Self> {
        let db = storage::open(url, CONNECTIONS).await?;
        storage::migrate(&db).await?;
        let engine = Engine::new(db.clone(), Arc::new(SystemClock));
        let catalog: Catalog = toml::from_str(include_str!("../catalog.toml"))?;
        engine
            .apply_catalog(&catalog, &Actor::Service("bench".to_owned()))
            .await?;
        Ok(Self {
            db,
            engine,
            run: SystemClock.now().timestamp_millis(),
            turns: AtomicU64::new(0),
        })
    }

    pub(super) fn db(&self) -> &Db {
        &self.db
    }

    /// Transitions alone. What they asked for is sealed, which is timed, and delivered afterwards.
    pub(super) async fn transitions(&self, in_flight: u32, turn: Duration) -> anyhow::Result<Turn> {
        let mut turn = self.drive(in_flight, turn).await?;
        let begun = Instant::now();
        let (lags, sealed) = Sealing::start(&self.db)?.finish(&self.db).await?;
        turn.sealed_per_s = Some(lags.len() as f64 / begun.elapsed().as_secs_f64());
        turn.sealed = sealed;
        turn.delivered = Delivery::start(&self.engine).finish(&self.db).await?;
        Ok(turn)
    }

    /// Transitions while every effect is delivered and every event sealed. A workflow counts when all of it was, within
    /// the turn.
    pub(super) async fn everything(&self, in_flight: u32, turn: Duration) -> anyhow::Result<Turn> {
        let delivery = Delivery::start(&self.engine);
        let sealing = Sealing::start(&self.db)?;
        let mut turn = self.drive(in_flight, turn).await?;
        let (delivered, sealed) = (delivery.so_far(), sealing.so_far());
        turn.delivered = delivery.finish(&self.db).await?;
        (turn.lags, turn.sealed) = sealing.finish(&self.db).await?;
        let begun = turn.workflows.max(1);
        let (effects, events) = (turn.delivered / begun, turn.lags.len() as u64 / begun);
        let all_delivered = delivered / effects.max(1);
        let all_sealed = sealed / events.max(1);
        turn.workflows = turn.workflows.min(all_delivered).min(all_sealed);
        Ok(turn)
    }

    async fn drive(&self, in_flight: u32, turn: Duration) -> anyhow::Result<Turn> {
        let (run, round) = (self.run, self.turns.fetch_add(1, Ordering::Relaxed));
        let syncs = store::db::syncs(&self.db).await?;
        let begun = Instant::now();
        let mut lanes = Vec::new();
        for lane in 0..in_flight {
            let engine = self.engine.clone();
            lanes.push(tokio::spawn(async move {
                let (mut workflows, mut latencies) = (0_u64, Vec::new());
                while begun.elapsed() < turn {
                    let name = format!("bench:{run}:{round}:{lane}:{workflows}");
                    workflow::run(&engine, &name, &mut latencies).await?;
                    workflows += 1;
                }
                anyhow::Ok((workflows, latencies))
            }));
        }
        let mut done = Turn::default();
        for lane in lanes {
            let (workflows, mut latencies) = lane.await??;
            done.workflows += workflows;
            done.latencies.append(&mut latencies);
        }
        done.took = begun.elapsed();
        let syncs = store::db::syncs(&self.db).await? - syncs;
        done.per_sync = (syncs > 0.0).then(|| done.latencies.len() as f64 / syncs);
        Ok(done)
    }
}

/// A job runner whose handlers do nothing: what an effect would send is not part of the figure.
struct Delivery {
    stop: CancellationToken,
    running: JoinHandle<()>,
    delivered: Arc<AtomicU64>,
}

impl Delivery {
    fn start(engine: &Engine) -> Self {
        let delivered = Arc::new(AtomicU64::new(0));
        let runner = Runner::new(engine.clone(), vec![Arc::new(Deliver(delivered.clone()))]);
        let stop = CancellationToken::new();
        let running = tokio::spawn({
            let stop = stop.clone();
            async move { runner.run(stop).await }
        });
        Self {
            stop,
            running,
            delivered,
        }
    }

    fn so_far(&self) -> u64 {
        self.delivered.load(Ordering::Relaxed)
    }

    /// Ends when nothing is due any more; says how many effects were delivered.
    async fn finish(self, db: &Db) -> anyhow::Result<u64> {
        loop {
            let now = SystemClock.now().timestamp_millis();
            let (_, due, _) = store::gauges::job_counts(db, now).await?;
            if due == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.stop.cancel();
        self.running.await?;
        Ok(self.delivered.load(Ordering::Relaxed))
    }
}

struct Deliver(Arc<AtomicU64>);

#[async_trait]
impl Handler for Deliver {
    fn kinds(&self) -> &'static [&'static str] {
        &[
            "check_admission",
            "run_test",
            "assess",
            "refresh_card",
            "announce",
            "notify_approvers",
            "start_apply",
        ]
    }

    async fn run(&self, _job: &Job, _stop: &CancellationToken) -> Result<(), JobError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

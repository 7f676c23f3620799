//! `bench engine`: real change requests through the one door, seven committed transitions each, with every effect
//! claimed and completed by the job runner and every event sealed into the ledger.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use workflow_engine::{
    catalog::{Catalog, RiskTier},
    change::{
        command::{Ballot, Command, Grade},
        slots::Slot,
        state::{Assessment, TestVerdict},
    },
    engine::{
        Engine, Request,
        file::Filing,
        jobs::{Handler, JobError, Runner},
    },
    store::{
        self,
        db::{Backend, Db},
        queue::Job,
    },
    values::{Actor, ChangeNumber, Digest, PersonId, Revision, Role, RunId, WorkflowId},
};

use super::{figures::percentile_ms, sealing::Sealing};
use crate::{clock::SystemClock, storage};

/// Committed transitions of one workflow: filed and submitted, admitted, plan frozen, evidence, packet, two votes.
const TRANSITIONS: u64 = 7;

/// What to run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// An empty database; the bench makes its own schema in it.
    pub database_url: String,
    /// Workflows at once.
    pub in_flight: u32,
    /// For how long.
    pub seconds: u64,
}

/// Runs it and answers the figures.
///
/// # Errors
/// When the database cannot be used.
pub async fn run(plan: &Plan) -> anyhow::Result<Value> {
    let db = storage::open(&plan.database_url, 20).await?;
    storage::migrate(&db).await?;
    let engine = Engine::new(db.clone(), Arc::new(SystemClock));
    apply_catalog(&engine).await?;
    let stop = CancellationToken::new();
    let delivered = Arc::new(AtomicU64::new(0));
    let runner = Runner::new(engine.clone(), vec![Arc::new(Deliver(delivered.clone()))]);
    let running = tokio::spawn({
        let (runner, stop) = (runner.clone(), stop.clone());
        async move { runner.run(stop).await }
    });
    let sealing = Sealing::start(&db)?;
    let before = Syncs::read(&db).await?;
    let (workflows, mut latencies, took) = drive(&engine, plan).await?;
    let after = Syncs::read(&db).await?;
    stop.cancel();
    running.await?;
    let (mut lags, sealed) = sealing.finish(&db).await?;
    let rate = workflows as f64 / took.as_secs_f64();
    Ok(json!({
        "bench": "engine",
        "database": if db.backend() == Backend::Postgres { "postgres" } else { "sqlite" },
        "in_flight": plan.in_flight,
        "seconds": plan.seconds,
        "workflows": workflows,
        "workflows_per_s": round(rate),
        "transitions_per_s": round(rate * TRANSITIONS as f64),
        "p50_ms": round(percentile_ms(&mut latencies, 0.50)),
        "p99_ms": round(percentile_ms(&mut latencies, 0.99)),
        "commits_per_fsync": after.per_fsync(&before),
        "effects_delivered": delivered.load(Ordering::Relaxed),
        "delivered": true,
        "seal_lag_p99_ms": round(percentile_ms(&mut lags, 0.99)),
        "events_sealed": lags.len(),
        "sealed": sealed,
    }))
}

/// Workflows one after the other in each of `in_flight` lanes, until the time is up.
async fn drive(engine: &Engine, plan: &Plan) -> anyhow::Result<(u64, Vec<Duration>, Duration)> {
    let latencies = Arc::new(Mutex::new(Vec::new()));
    let started = Instant::now();
    let until = started + Duration::from_secs(plan.seconds);
    let mut lanes = Vec::new();
    for lane in 0..plan.in_flight {
        let (engine, latencies) = (engine.clone(), latencies.clone());
        lanes.push(tokio::spawn(async move {
            let (mut done, mut measured) = (0_u64, Vec::new());
            while Instant::now() < until {
                workflow(&engine, lane, done, &mut measured).await?;
                done += 1;
            }
            latencies.lock().await.append(&mut measured);
            anyhow::Ok(done)
        }));
    }
    let mut workflows = 0;
    for lane in lanes {
        workflows += lane.await??;
    }
    let took = started.elapsed();
    let measured = std::mem::take(&mut *latencies.lock().await);
    Ok((workflows, measured, took))
}

/// One change from filing to approved.
async fn workflow(
    engine: &Engine,
    lane: u32,
    round: u64,
    measured: &mut Vec<Duration>,
) -> anyhow::Result<()> {
    let key = |step: &str| format!("bench:{lane}:{round}:{step}");
    let begun = Instant::now();
    let filed = engine.file(filing(key("file"))).await?;
    measured.push(begun.elapsed());
    let number = filed.number;
    let packet = Digest::of(number.to_string().as_bytes());
    for (step, (actor, command)) in steps(packet).into_iter().enumerate() {
        let begun = Instant::now();
        engine
            .handle(request(actor, key(&step.to_string()), number, command))
            .await?;
        measured.push(begun.elapsed());
    }
    Ok(())
}

fn steps(packet: Digest) -> Vec<(Actor, Command)> {
    let service = || Actor::Service("bench".to_owned());
    let run = RunId::from("bench");
    let vote = |person: &str| {
        let ballot = Ballot {
            role: None,
            revision: Revision(1),
            packet,
            grade: Grade::Approve,
            note: None,
        };
        (Actor::Person(PersonId::from(person)), Command::Vote(ballot))
    };
    vec![
        (service(), Command::Admit { decision: packet }),
        (
            service(),
            Command::FreezePlan {
                plan: packet,
                run: run.clone(),
            },
        ),
        (
            service(),
            Command::SubmitEvidence {
                run,
                verdict: TestVerdict {
                    outcome: "eligible".to_owned(),
                    report: packet,
                },
            },
        ),
        (
            service(),
            Command::Permit {
                assessment: Assessment {
                    tier: RiskTier::Standard,
                    decision: packet,
                    controls: Vec::new(),
                },
                packet,
                slots: vec![slot(Role::Platform, "ana"), slot(Role::Finance, "tomas")],
                deadline_at: chrono::DateTime::<chrono::Utc>::MAX_UTC,
            },
        ),
        vote("ana"),
        vote("tomas"),
    ]
}

fn slot(role: Role, person: &str) -> Slot {
    Slot {
        role,
        group: format!("{}-approvers", role.as_str()),
        needed: 1,
        eligible: BTreeSet::from([PersonId::from(person)]),
        escalation: BTreeSet::new(),
        escalated: false,
        inputs: Digest::of(role.as_str().as_bytes()),
        keep_votes: false,
        votes: Vec::new(),
        recused: BTreeSet::new(),
    }
}

fn filing(key: String) -> Filing {
    Filing {
        requester: PersonId::from("maya"),
        key,
        workflow: WorkflowId::from("support-answer"),
        candidate: "candidate".to_owned(),
        claims_savings: false,
        co_authors: BTreeSet::new(),
        reason: None,
        cites: None,
        submit: true,
    }
}

fn request(actor: Actor, key: String, change: ChangeNumber, command: Command) -> Request {
    Request {
        actor,
        key,
        change,
        command,
        notes: Vec::new(),
        completes: None,
    }
}

/// Every effect of a change, claimed and completed; what it would send is not part of the figure.
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

async fn apply_catalog(engine: &Engine) -> anyhow::Result<()> {
    let catalog: Catalog = toml::from_str(include_str!("catalog.toml"))?;
    engine
        .apply_catalog(&catalog, &Actor::Service("bench".to_owned()))
        .await?;
    Ok(())
}

/// Commits and syncs of the write-ahead log so far.
struct Syncs {
    commits: f64,
    fsyncs: f64,
}

impl Syncs {
    async fn read(db: &Db) -> anyhow::Result<Self> {
        let (commits, fsyncs) = store::db::commits_and_syncs(db).await?;
        Ok(Self { commits, fsyncs })
    }

    fn per_fsync(&self, before: &Self) -> Value {
        let fsyncs = self.fsyncs - before.fsyncs;
        if fsyncs <= 0.0 {
            return Value::Null;
        }
        json!(round((self.commits - before.commits) / fsyncs))
    }
}

fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

//! Whole requests from filing to their end under keys of their own, sent again until they are answered, and then counted.

use std::{collections::BTreeMap, future::Future};

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use workflow_engine::{
    catalog::RiskTier,
    change::{
        command::Command,
        state::{Assessment, Change, State, TestVerdict},
    },
    engine::{Engine, HandleError, Outcome, Request},
    store::{self, db::Backend},
    values::{Actor, ChangeNumber, Digest, PersonId, RunId},
};

use crate::desk::{Desk, approval, filing, slots};

/// How a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    /// Three votes, applied, seen in traffic.
    Completed,
    /// Taken back after the first vote.
    Withdrawn,
    /// Two votes, then the deadline.
    Expired,
}

/// All of them.
pub const SCRIPTS: [Script; 3] = [Script::Completed, Script::Withdrawn, Script::Expired];

/// One command of a script.
#[derive(Clone, Copy, Debug)]
enum Step {
    Admit,
    Freeze,
    Evidence,
    Permit,
    Vote(&'static str),
    Withdraw,
    Expire,
    Apply,
    Confirm,
    Seen,
}

impl Script {
    fn steps(self) -> Vec<Step> {
        let mut steps = vec![
            Step::Admit,
            Step::Freeze,
            Step::Evidence,
            Step::Permit,
            Step::Vote("ana"),
        ];
        steps.extend(match self {
            Self::Completed => {
                vec![
                    Step::Vote("priya"),
                    Step::Vote("tomas"),
                    Step::Apply,
                    Step::Confirm,
                    Step::Seen,
                ]
            }
            Self::Withdrawn => vec![Step::Withdraw],
            Self::Expired => vec![Step::Vote("priya"), Step::Expire],
        });
        steps
    }

    /// Where it ends.
    #[must_use]
    pub fn end(self) -> State {
        match self {
            Self::Completed => State::Completed,
            Self::Withdrawn => State::Withdrawn,
            Self::Expired => State::Expired,
        }
    }
}

/// Sends a request through some engine; answers when it is known what came of it.
pub trait Courier {
    /// Files, again and again under the same key if need be.
    fn file(&self, filing: workflow_engine::engine::file::Filing) -> impl Future<Output = Outcome>;

    /// Sends a command, again and again under the same key if need be.
    fn send(&self, request: Request) -> impl Future<Output = Outcome>;
}

/// Repeats with the same key what the database did not answer, as people and programs do.
pub struct Insisting<'engine>(pub &'engine Engine);

impl Courier for Insisting<'_> {
    async fn file(&self, filing: workflow_engine::engine::file::Filing) -> Outcome {
        insist(|| self.0.file(filing.clone())).await
    }

    async fn send(&self, request: Request) -> Outcome {
        insist(|| self.0.handle(request.clone())).await
    }
}

/// Tries at most twenty times while the database is the reason.
async fn insist<F: Future<Output = Result<Outcome, HandleError>>>(once: impl Fn() -> F) -> Outcome {
    for _ in 0..20 {
        match once().await {
            Ok(outcome) => return outcome,
            Err(HandleError::Store(_) | HandleError::Busy) => {}
            Err(error) => panic!("a command that was right is answered: {error}"),
        }
    }
    panic!("twenty tries and no answer");
}

/// A request that was played to its end: what was sent and what was answered.
pub struct Played {
    /// Which change.
    pub number: ChangeNumber,
    sent: Vec<(Request, Outcome)>,
}

/// Plays `script` through `courier`; `desk` looks on by a way that nothing disturbs.
pub async fn play(desk: &Desk, courier: &impl Courier, script: Script, tag: &str) -> Played {
    let mut filing = filing(&format!("{tag}:file"));
    let live = desk.engine.live_route("support-answer").await.expect("a route");
    if live.id == filing.candidate {
        filing.candidate = "gpt-4o-0513".to_owned();
    }
    let number = courier.file(filing).await.number;
    let mut sent = Vec::new();
    for (n, step) in script.steps().into_iter().enumerate() {
        if matches!(step, Step::Expire) {
            desk.clock.advance(chrono::Duration::hours(73));
        }
        let change = desk.change(number).await;
        let (actor, command) = command(desk, step, &change).await;
        let request = Request {
            actor,
            key: format!("{tag}:{n}"),
            change: number,
            command,
            notes: Vec::new(),
            completes: None,
        };
        let outcome = courier.send(request.clone()).await;
        sent.push((request, outcome));
    }
    Played { number, sent }
}

async fn command(desk: &Desk, step: Step, change: &Change) -> (Actor, Command) {
    let digest = Digest::of(b"made by a test");
    let run = RunId::from("run-1");
    let generation = change.application.as_ref().map_or(0, |it| it.generation);
    let person = |who: &str| Actor::Person(PersonId::from(who));
    let command = match step {
        Step::Vote(who) => return (person(who), approval(change)),
        Step::Withdraw => return (person("maya"), Command::Withdraw),
        Step::Admit => Command::Admit { decision: digest },
        Step::Freeze => Command::FreezePlan { plan: digest, run },
        Step::Evidence => Command::SubmitEvidence {
            run,
            verdict: TestVerdict {
                outcome: "eligible".to_owned(),
                report: digest,
            },
        },
        Step::Permit => Command::Permit {
            assessment: Assessment {
                tier: RiskTier::Standard,
                decision: digest,
                controls: Vec::new(),
            },
            packet: desk.keep_packet(change.number).await,
            slots: slots(),
            deadline_at: workflow_engine::ports::clock::Clock::now(&desk.clock) + chrono::Duration::hours(72),
        },
        Step::Expire => Command::Expire {
            revision: change.revision,
        },
        Step::Apply => Command::Apply { by_hand: false },
        Step::Confirm => Command::ConfirmApplied {
            generation,
            read_back: None,
        },
        Step::Seen => Command::ConfirmVerified { calls_seen: 12 },
    };
    (Actor::Service("tests".to_owned()), command)
}

/// Everything that a request left in the database: two that were played alike leave the same.
#[derive(Debug, PartialEq, Eq)]
pub struct Traces {
    state: State,
    version: i64,
    events: Vec<(u32, String)>,
    jobs: BTreeMap<String, i64>,
    commands: i64,
    votes: i64,
}

impl Played {
    /// What it left.
    pub async fn traces(&self, desk: &Desk) -> Traces {
        let db = desk.engine.db();
        let loaded = store::changes::by_number(db, self.number)
            .await
            .expect("an answer")
            .expect("a change");
        let id = loaded.change.id.as_str();
        let events = store::changes::events(db, id).await.expect("events");
        let kinds = rows(
            desk,
            "SELECT kind AS name, count(*) AS n FROM job WHERE change_id = $1 GROUP BY kind",
            id,
        );
        let count = async |table: &str| {
            let sql = format!("SELECT '' AS name, count(*) AS n FROM {table} WHERE change_id = $1");
            rows(desk, &sql, id).await.values().sum()
        };
        Traces {
            state: loaded.change.state,
            version: loaded.version,
            events: events.into_iter().map(|event| (event.n, event.kind)).collect(),
            jobs: kinds.await,
            commands: count("command").await,
            votes: count("vote").await,
        }
    }

    /// Sends everything once more: each is answered as it was the first time.
    pub async fn repeats_answer_the_same(&self, engine: &Engine) {
        for (request, first) in &self.sent {
            let again = engine.handle(request.clone()).await.expect("the stored answer");
            assert!(again.repeated, "{}", request.key);
            assert_eq!(
                (again.version, again.state),
                (first.version, first.state),
                "{}",
                request.key
            );
        }
    }
}

async fn rows(desk: &Desk, sql: &str, id: &str) -> BTreeMap<String, i64> {
    let db = desk.engine.db();
    let backend = match db.backend() {
        Backend::Sqlite => DbBackend::Sqlite,
        Backend::Postgres => DbBackend::Postgres,
    };
    let statement = Statement::from_sql_and_values(backend, sql, [id.into()]);
    let found = db.reads().query_all_raw(statement).await.expect("rows");
    found
        .iter()
        .map(|row| {
            (
                row.try_get("", "name").expect("a name"),
                row.try_get("", "n").expect("a number"),
            )
        })
        .collect()
}

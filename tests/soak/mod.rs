//! The soak: replicas of the real program under load, while a nemesis breaks everything around them, and a checker that
//! afterwards holds what was acknowledged against what is there.
//!
//! `stage` builds it, `life` is what people do, `nemesis` what goes wrong, `facts` and `collect` what is known afterwards,
//! `checker` what must hold. Short forms run with the tests, long ones by `cargo xtask soak`.

pub mod checker;
pub mod collect;
pub mod company;
pub mod driver;
pub mod facts;
pub mod life;
pub mod nemesis;
pub mod observer;
pub mod random;
pub mod receivers;
pub mod replica;
pub mod report;
pub mod stage;

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use workflow_engine::{ports::clock::Clock as _, store::db::Db};

use self::{
    checker::Violation,
    driver::Driver,
    nemesis::Broken,
    random::Dice,
    report::Report,
    stage::{Setting, Stage},
};
use crate::db::Kind;

/// People who file changes at the same time.
const LANES: usize = 6;
/// How long it may take until nothing is left to do once nothing is broken any more.
const QUIET: Duration = Duration::from_secs(90);

/// What to run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The program `governor`.
    pub program: PathBuf,
    /// Which database.
    pub kind: Kind,
    /// Replicas; one on SQLite.
    pub replicas: usize,
    /// For how long things are broken.
    pub time: Duration,
    /// Decides what is broken when, and what people do.
    pub seed: u64,
    /// An empty folder for logs, settings and whatever is needed to find out what went wrong.
    pub home: PathBuf,
}

/// Runs it; none when this machine has no PostgreSQL and the plan asks for it.
///
/// # Errors
/// When the stage cannot be set, or does not let itself be looked at afterwards. That a rule does not hold is in the report.
pub async fn run(plan: &Plan) -> anyhow::Result<Option<Report>> {
    let setting = Setting {
        program: &plan.program,
        kind: plan.kind,
        replicas: plan.replicas,
        home: &plan.home,
    };
    let Some(stage) = Stage::set(&setting).await? else {
        return Ok(None);
    };
    let stage = Arc::new(stage);
    let driver = Arc::new(Driver::new(stage.clone()));
    let mut dice = Dice::new(plan.seed);
    let began = Instant::now();
    let nemesis = tokio::spawn(nemesis::rage(stage.clone(), dice.split(), began + plan.time));
    let mut lanes = tokio::task::JoinSet::new();
    for _ in 0..LANES {
        let (driver, dice) = (driver.clone(), dice.split());
        lanes.spawn(async move { life::lane(&driver, dice).await });
    }
    let broken = nemesis.await?;
    let time = began.elapsed();
    std::fs::write(plan.home.join("nemesis.log"), &broken.log)?;
    driver.calm.store(true, Ordering::SeqCst);
    while lanes.join_next().await.is_some() {}
    let (facts, violations) = judge(&stage, &driver, &broken).await?;
    Ok(Some(Report {
        setting: setting_in_words(plan),
        time,
        broken,
        facts,
        claims: observer::claims(&stage.open(true).await?).await?,
        stale: stale_results(&stage),
        violations,
    }))
}

fn setting_in_words(plan: &Plan) -> String {
    let (seed, replicas) = (plan.seed, plan.replicas);
    match plan.kind {
        Kind::Sqlite => format!("SQLite, one replica, seed {seed}"),
        Kind::Postgres => format!("PostgreSQL, {replicas} replicas, seed {seed}"),
    }
}

/// Lets everything come to rest, stops everybody, and holds what is there against the rules.
async fn judge(
    stage: &Stage,
    driver: &Driver,
    broken: &Broken,
) -> anyhow::Result<(facts::Facts, Vec<Violation>)> {
    let mut violations = calm(stage).await?;
    // As of the moment at which nothing was left to do; looked at once nobody works any more.
    let now = stage.clock.now().timestamp_millis();
    let failures = broken.failures.iter().cloned().chain(stop_all(stage).await);
    violations.extend(failures.map(|what| Violation {
        rule: "replicas stop and start when they are told to",
        what,
    }));
    let mut facts = collect::collect(&stage.open(true).await?).await?;
    facts.sent = driver.sent();
    facts.now = now;
    facts.effects = Some(stage.receivers.effects().await?);
    violations.extend(checker::check(&facts));
    violations.extend(ledger_verifies(stage));
    Ok((facts, violations))
}

/// The program, built if it is not up to date: what is soaked is what is shipped, in the build that the tests have.
///
/// # Errors
/// When it cannot be built.
pub fn program() -> anyhow::Result<PathBuf> {
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "bot", "--bin", "governor"])
        .current_dir(crate::root())
        .status()
        .context("cargo cannot be run")?;
    ensure!(status.success(), "governor could not be built");
    // target/debug/deps/it-… or target/debug/xtask
    let own = std::env::current_exe()?;
    let folders = own.ancestors().skip(1).map(|folder| folder.join("governor"));
    let found = folders.take(2).find(|path| path.is_file());
    found.with_context(|| format!("there is no governor beside {}", own.display()))
}

/// Nothing is broken any more: waits until nothing is left to do, lets the last deadlines pass, and waits again.
async fn calm(stage: &Stage) -> anyhow::Result<Vec<Violation>> {
    for replica in &stage.replicas {
        replica.set_clock(stage.clock.ahead())?;
        replica.start()?;
        replica.ready(&stage.client, Duration::from_secs(60)).await?;
    }
    let db = stage.open(true).await?;
    let first = quiet(stage, &db).await?;
    nemesis::let_an_hour_pass(stage)?;
    let second = quiet(stage, &db).await?;
    let what = first.or(second);
    Ok(what
        .map(|what| Violation {
            rule: "it comes to rest",
            what,
        })
        .into_iter()
        .collect())
}

/// Waits until nothing has been due for two seconds; says what was left when that took too long.
async fn quiet(stage: &Stage, db: &Db) -> anyhow::Result<Option<String>> {
    let (began, mut rounds) = (Instant::now(), 0);
    loop {
        // What waits for the outside is due again and again; it is late only after a while.
        let now = stage.clock.now().timestamp_millis() - 3_000;
        let left = collect::left(db, now).await?;
        rounds = if left == (0, 0, 0) { rounds + 1 } else { 0 };
        if rounds == 10 {
            return Ok(None);
        }
        if began.elapsed() > QUIET {
            let (jobs, events, deliveries) = left;
            let what = format!(
                "after {} s there are {jobs} jobs due, {events} events unsealed, {deliveries} deliveries untaken",
                QUIET.as_secs()
            );
            return Ok(Some(what));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Everybody ends when told to; says who does not.
async fn stop_all(stage: &Stage) -> Vec<String> {
    let mut failures = Vec::new();
    for replica in &stage.replicas {
        let stopped = replica.stop(Duration::from_secs(30)).await;
        failures.extend(stopped.err().map(|error| format!("{error:#}")));
    }
    failures
}

/// The product's own verdict on its ledger.
fn ledger_verifies(stage: &Stage) -> Option<Violation> {
    let said = stage.replicas[0].command(&["ledger", "verify"]);
    said.err().map(|error| Violation {
        rule: "`governor ledger verify` holds",
        what: format!("{error:#}"),
    })
}

/// Lines of the replicas' logs that tell of a result that came too late.
fn stale_results(stage: &Stage) -> usize {
    let lines = |path: &Path| {
        let log = std::fs::read_to_string(path).unwrap_or_default();
        log.lines()
            .filter(|line| line.contains("a result came after its claim had run out"))
            .count()
    };
    stage.replicas.iter().map(|replica| lines(&replica.log())).sum()
}

//! Breaks things, one at a time, in an order that the seed decides, and writes down what it did.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use sqlx::{Connection, PgConnection};

use super::{company::LEASE_SECONDS, random::Dice, stage::Stage};

/// How long a replica may take to be ready again.
const READY: Duration = Duration::from_secs(60);
/// How long a graceful stop may take.
const STOP: Duration = Duration::from_secs(30);
/// More than the time in which people must decide.
pub const HOUR_AND_A_BIT: i64 = 3_900;

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// SIGKILL, and started again a moment later.
    Kill,
    /// SIGSTOP for longer than a lease, then SIGCONT.
    Freeze,
    /// SIGTERM, and started again.
    Restart,
    /// The database crashes as by `pg_ctl stop -m immediate`, and recovers from its log.
    DatabaseCrash,
    /// Every connection is cut, and no new one is to be had for some seconds.
    NoConnections,
    /// One replica's clock is wrong for some seconds, by more than a lease.
    WrongClock,
    /// An hour passes at once: every deadline is up while people vote.
    Hour,
}

impl Fault {
    /// What can be broken; on SQLite there is one process and no server.
    fn all(stage: &Stage) -> Vec<Self> {
        match stage.cluster {
            Some(_) => vec![
                Self::Kill,
                Self::Freeze,
                Self::Restart,
                Self::DatabaseCrash,
                Self::NoConnections,
                Self::WrongClock,
                Self::Hour,
            ],
            None => vec![Self::Kill, Self::Restart, Self::WrongClock, Self::Hour],
        }
    }

    /// As it is printed.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Kill => "replicas killed (SIGKILL)",
            Self::Freeze => "replicas frozen past their lease (SIGSTOP, SIGCONT)",
            Self::Restart => "replicas stopped gracefully (SIGTERM)",
            Self::DatabaseCrash => "database crashes (immediate stop, recovery)",
            Self::NoConnections => "times all connections were cut and held",
            Self::WrongClock => "clocks of one replica wrong by up to 20 s",
            Self::Hour => "times an hour passed at once",
        }
    }
}

/// What was broken, and what of it did not go as it must.
#[derive(Clone, Debug, Default)]
pub struct Broken {
    /// How often each.
    pub faults: BTreeMap<Fault, u32>,
    /// Replicas that did not stop or start as they must.
    pub failures: Vec<String>,
    /// One line a fault, with the second at which it began.
    pub log: String,
}

/// Breaks things until `until`, each kind once before any comes again.
pub async fn rage(stage: Arc<Stage>, mut dice: Dice, until: Instant) -> Broken {
    let (began, mut broken, mut bag) = (Instant::now(), Broken::default(), Vec::new());
    loop {
        let pause = Duration::from_millis(dice.between(500, 2_500));
        if Instant::now() + pause >= until {
            return broken;
        }
        tokio::time::sleep(pause).await;
        if bag.is_empty() {
            bag = Fault::all(&stage);
            dice.shuffle(&mut bag);
        }
        let Some(fault) = bag.pop() else { return broken };
        let whom = dice.below(stage.replicas.len());
        let seconds = began.elapsed().as_secs_f32();
        let _ = writeln!(
            broken.log,
            "{seconds:6.1} s  {fault:?} {}",
            stage.replicas[whom].name
        );
        *broken.faults.entry(fault).or_default() += 1;
        if let Err(error) = inflict(&stage, fault, whom, &mut dice).await {
            broken
                .failures
                .push(format!("{fault:?} at {seconds:.1} s: {error:#}"));
        }
    }
}

async fn inflict(stage: &Stage, fault: Fault, whom: usize, dice: &mut Dice) -> anyhow::Result<()> {
    let replica = &stage.replicas[whom];
    match fault {
        Fault::Kill => {
            replica.kill();
            tokio::time::sleep(Duration::from_millis(dice.between(0, 5_000))).await;
            replica.start()?;
            replica.ready(&stage.client, READY).await
        }
        Fault::Freeze => {
            replica.freeze();
            let past = LEASE_SECONDS * 1_000 + dice.between(500, 4_000);
            tokio::time::sleep(Duration::from_millis(past)).await;
            replica.thaw();
            replica.ready(&stage.client, READY).await
        }
        Fault::Restart => {
            let stopped = replica.stop(STOP).await;
            replica.start()?;
            replica.ready(&stage.client, READY).await?;
            stopped
        }
        Fault::DatabaseCrash => {
            let cluster = stage.cluster.as_ref().context("there is no server to crash")?;
            cluster.crash().context("the server does not hear us")?;
            tokio::time::sleep(Duration::from_millis(500)).await;
            replica.ready(&stage.client, READY).await
        }
        Fault::NoConnections => {
            hold_connections(&stage.url, Duration::from_millis(dice.between(2_000, 5_000))).await;
            replica.ready(&stage.client, READY).await
        }
        Fault::WrongClock => {
            let by = i64::try_from(dice.between(2 * LEASE_SECONDS, 20))?;
            let wrong = if dice.chance(50) { by } else { -by };
            replica.set_clock(stage.clock.ahead() + wrong)?;
            tokio::time::sleep(Duration::from_millis(dice.between(2_000, 6_000))).await;
            replica.set_clock(stage.clock.ahead())
        }
        Fault::Hour => let_an_hour_pass(stage),
    }
}

/// Every clock goes on by more than the time in which people must decide.
///
/// # Errors
/// When a replica's clock cannot be set.
pub fn let_an_hour_pass(stage: &Stage) -> anyhow::Result<()> {
    stage.clock.advance(HOUR_AND_A_BIT);
    for replica in &stage.replicas {
        replica.set_clock(stage.clock.ahead())?;
    }
    Ok(())
}

/// Cuts everybody off, takes every connection there is, and holds them.
async fn hold_connections(url: &str, time: Duration) {
    let until = Instant::now() + time;
    let ours = if url.contains('?') { "&" } else { "?" };
    let url = format!("{url}{ours}application_name=soak");
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE backend_type = 'client backend' AND application_name <> 'soak'";
    let mut held = Vec::new();
    while Instant::now() < until {
        match PgConnection::connect(&url).await {
            Ok(connection) => held.push(connection),
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
        if let Some(first) = held.first_mut() {
            // Whoever got in again is cut off again.
            drop(sqlx::query(cut).execute(first).await);
        }
    }
}

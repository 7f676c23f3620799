//! `bench engine`: real change requests through the one door, beside what the database does without us.
//!
//! Everything that is compared runs in turns within one run, round by round, because a machine is never the same twice:
//! a ratio is the median of the rounds' own ratios.

mod company;
mod floor;
mod history;
mod pgbench;
mod report;
mod workflow;

use std::time::Duration;

use serde_json::Value;

use self::{company::Company, floor::Floor, report::Round};

pub use self::report::table;

/// What to run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// An empty database; the bench makes its own schema in it.
    pub database_url: String,
    /// Workflows at once.
    pub in_flight: u32,
    /// For how long each of the things that are compared runs, all rounds together.
    pub seconds: u64,
    /// In how many turns.
    pub rounds: u32,
    /// Whether the database's own speed is measured, too: `pgbench`, or a plain connection to SQLite.
    pub compare: bool,
    /// How many finished changes the tables of a second company hold; none without.
    pub history: u64,
}

impl Plan {
    /// One turn of one thing: whole seconds, as `pgbench` counts.
    fn turn(&self) -> Duration {
        Duration::from_secs((self.seconds / u64::from(self.rounds.max(1))).max(1))
    }
}

/// Runs it and answers the figures; `say` hears how far it is.
///
/// # Errors
/// When the database cannot be used.
pub async fn run(plan: &Plan, say: &(dyn Fn(&str) + Sync)) -> anyhow::Result<Value> {
    let company = Company::open(&plan.database_url).await?;
    let floor = if plan.compare {
        Floor::open(&plan.database_url, company.db()).await?
    } else {
        None
    };
    let grown = if plan.history > 0 {
        say(&format!(
            "filling a second company with {} finished changes",
            plan.history
        ));
        Some(history::company(&plan.database_url, plan.history).await?)
    } else {
        None
    };
    let mut rounds = Vec::new();
    for n in 1..=plan.rounds.max(1) {
        say(&format!("round {n} of {}", plan.rounds.max(1)));
        rounds.push(round(plan, &company, floor.as_ref(), grown.as_ref()).await?);
    }
    Ok(report::figures(plan, company.db(), &rounds))
}

async fn round(
    plan: &Plan,
    company: &Company,
    floor: Option<&Floor>,
    grown: Option<&Company>,
) -> anyhow::Result<Round> {
    let turn = plan.turn();
    let mut round = Round::default();
    if let Some(floor) = floor {
        round.floor = Some(floor.measure(plan.in_flight, turn).await?);
        round.alone = Some(company.transitions(plan.in_flight, turn).await?);
    }
    round.whole = company.everything(plan.in_flight, turn).await?;
    if let Some(grown) = grown {
        round.grown = Some(grown.everything(plan.in_flight, turn).await?);
    }
    Ok(round)
}

//! Every cron line. One replica at a time looks at the clock, fenced by the row `schedules`; a schedule only enqueues:
//! which replica does the work, and how often, the queue decides.

use std::{collections::HashMap, str::FromStr, time::Duration};

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use tokio_util::sync::CancellationToken;
use workflow_engine::{
    engine::Engine,
    store::{
        self,
        commit::JobRow,
        error::StoreError,
        singleton::{self, Fence},
    },
    values::JobId,
};

use super::{budget_watch, housekeeping, publish_ledger, seal_rows};
use crate::config::Schedule as Lines;

/// How often the clock is looked at.
const TICK: Duration = Duration::from_secs(10);
/// How long a replica that fell silent keeps the schedules from the others.
const LEASE: TimeDelta = TimeDelta::seconds(30);
/// How far back a missed moment is looked for: the longest distance between two moments of a weekly line, and a day.
const BACK: TimeDelta = TimeDelta::days(8);

/// What a line asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chore {
    /// The digest of the last full week.
    WeeklyDigest,
    /// A job of that kind.
    Enqueue(&'static str),
}

/// The schedules.
pub struct Schedules {
    engine: Engine,
    // Names this replica; differs between replicas.
    holder: String,
    held: Option<Fence>,
    lines: Vec<(Chore, cron::Schedule)>,
    done: HashMap<usize, DateTime<Utc>>,
}

impl Schedules {
    /// The schedules of the configuration. The `cron` crate's first field is seconds.
    ///
    /// # Errors
    /// When a line is no cron line, which the configuration has checked.
    pub fn new(engine: Engine, lines: &Lines) -> anyhow::Result<Self> {
        let table = [
            (Chore::WeeklyDigest, &lines.weekly_digest),
            (Chore::Enqueue(budget_watch::LOOK), &lines.budgets),
            (Chore::Enqueue(housekeeping::KIND), &lines.housekeeping),
            (Chore::Enqueue(publish_ledger::POST), &lines.checkpoint),
            (Chore::Enqueue(publish_ledger::STAMP), &lines.checkpoint),
            (Chore::Enqueue(seal_rows::KIND), &lines.seal_rows),
        ];
        let lines = table
            .into_iter()
            .map(|(chore, line)| {
                let schedule =
                    cron::Schedule::from_str(line).with_context(|| format!("cron line `{line}`"))?;
                Ok((chore, schedule))
            })
            .collect::<anyhow::Result<_>>()?;
        Ok(Self {
            holder: engine.clock().new_id().to_string(),
            held: None,
            engine,
            lines,
            done: HashMap::new(),
        })
    }

    /// Runs until `stop` is cancelled.
    pub async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            if let Err(error) = self.tick().await {
                tracing::warn!(%error, "a schedule could not be looked at; it is tried again");
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(TICK) => {}
            }
        }
        if let Some(fence) = self.held
            && let Err(error) = singleton::give_up(self.engine.db(), fence).await
        {
            tracing::warn!(%error, "the schedules stay ours until their lease has run out");
        }
    }

    /// Asks for what is due: of each line the latest moment that has passed, so that moments that were missed are made
    /// up for once. Says how much was new; nothing is while another replica has the schedules.
    ///
    /// # Errors
    /// When the database does not answer, or another replica took the schedules over meanwhile.
    pub async fn tick(&mut self) -> Result<usize, StoreError> {
        let now = self.engine.clock().now();
        self.held = singleton::hold(self.engine.db(), "schedules", &self.holder, now, LEASE).await?;
        let Some(fence) = self.held else {
            return Ok(0);
        };
        let zone = self.engine.catalog().await?.1.company.time_zone;
        let mut new = 0;
        for (index, (chore, line)) in self.lines.iter().enumerate() {
            let Some(due) = latest(line, zone, now) else {
                continue;
            };
            if self.done.get(&index).is_some_and(|done| *done >= due) {
                continue;
            }
            new += usize::from(ask(&self.engine, fence, *chore, due).await?);
            self.done.insert(index, due);
        }
        Ok(new)
    }
}

async fn ask(engine: &Engine, fence: Fence, chore: Chore, due: DateTime<Utc>) -> Result<bool, StoreError> {
    let kind = match chore {
        Chore::WeeklyDigest => return engine.ask_for_digest(due, Some(fence)).await,
        Chore::Enqueue(kind) => kind,
    };
    let now = engine.clock().now().timestamp_millis();
    let job = JobRow {
        id: JobId(engine.clock().new_id().to_string()),
        event_n: 0,
        kind,
        lane: None,
        // The moment is part of the key: replicas that see it together ask for it once.
        dedup: Some(format!("{kind}:{}", due.timestamp())),
        payload: "{}".to_owned(),
        due_at: now,
        max_attempts: 5,
    };
    let new = store::queue::enqueue_fenced(engine.db(), job, now, fence).await?;
    if new {
        engine.wake().notify_waiters();
    }
    Ok(new)
}

/// The latest moment of `line` at or before `now`, in the company's zone.
fn latest(line: &cron::Schedule, zone: Tz, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let local = now.with_timezone(&zone);
    // Lines that come often need not be walked from far back.
    [TimeDelta::hours(2), BACK].into_iter().find_map(|back| {
        line.after(&(local - back - TimeDelta::seconds(1)))
            .take_while(|at| *at <= local)
            .last()
            .map(|at| at.to_utc())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: &str, zone: Tz, now: &str) -> String {
        let line = cron::Schedule::from_str(line).unwrap();
        latest(&line, zone, now.parse().unwrap()).map_or_else(|| "never".to_owned(), |at| at.to_rfc3339())
    }

    #[test]
    fn nine_on_monday_is_nine_in_the_companys_zone() {
        let monday = |now: &str| at("0 0 9 * * Mon", Tz::Europe__Berlin, now);
        assert_eq!(monday("2026-11-23T07:59:59Z"), "2026-11-16T08:00:00+00:00");
        assert_eq!(monday("2026-11-23T08:00:00Z"), "2026-11-23T08:00:00+00:00");
        assert_eq!(monday("2026-11-29T23:00:00Z"), "2026-11-23T08:00:00+00:00");
        assert_eq!(
            monday("2026-10-25T23:00:00Z"),
            "2026-10-19T07:00:00+00:00",
            "in summer time"
        );
    }

    #[test]
    fn an_hourly_line_is_due_each_hour() {
        assert_eq!(
            at("0 10 * * * *", Tz::UTC, "2026-11-23T08:09:59Z"),
            "2026-11-23T07:10:00+00:00"
        );
        assert_eq!(
            at("0 10 * * * *", Tz::UTC, "2026-11-23T08:10:00Z"),
            "2026-11-23T08:10:00+00:00"
        );
    }
}

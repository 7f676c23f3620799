//! The weekly digest as a use case: asked for once, gathered, composed, kept.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Days, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::Engine;
use crate::{
    catalog::Catalog,
    change::state::{Change, State},
    finance::{
        coverage::Approved,
        digest::{Digest, Inputs, RouteChange, Unmatched, changes::Outcome, compose::compose},
        period::{self, Period},
    },
    store::{
        self,
        calls::{
            CallStore,
            read::{Filter, PAGE},
        },
        commit::JobRow,
        error::StoreError,
        singleton::Fence,
    },
    usage::rollup::{Key, Sums},
    values::{JobId, Route, Usd},
};

/// Kind of the job that tells a digest.
pub const JOB: &str = "weekly_digest";
/// The audience that reads everything.
pub const FINANCE: &str = "finance";
/// Days of history that the outlook is made from.
const HISTORY: u64 = 180;
/// Changes that are looked at, the newest first.
const CHANGES: u64 = 500;
/// Pages of calls without a workflow that are looked at for their callers.
const PAGES: usize = 20;

/// What the job is asked to tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The week.
    pub week: Period,
    /// For whom.
    pub audience: String,
}

impl Engine {
    /// Asks for the digest of the last week that is over at `at`; false when it was asked for before. A schedule names
    /// its claim on the schedules.
    ///
    /// # Errors
    /// [`StoreError::Contended`] when that claim is void; else when the database cannot be written.
    pub async fn ask_for_digest(&self, at: DateTime<Utc>, fence: Option<Fence>) -> Result<bool, StoreError> {
        let (_, catalog) = self.catalog().await?;
        let asked = Asked {
            week: Period::last_full_week(at, catalog.company.time_zone),
            audience: FINANCE.to_owned(),
        };
        let now = self.clock.now().timestamp_millis();
        let period = asked.week.key();
        let job = JobRow {
            id: JobId(self.clock.new_id().to_string()),
            event_n: 0,
            kind: JOB,
            lane: None,
            dedup: Some(format!("{JOB}:{period}:{FINANCE}")),
            payload: serde_json::to_string(&asked)?,
            due_at: now,
            max_attempts: 20,
        };
        let new = store::digests::ask(&self.db, (&period, FINANCE), job, now, fence).await?;
        if new {
            self.wake.notify_waiters();
        }
        Ok(new)
    }

    /// The digest of `week` from what is known now. None when there was never a call.
    ///
    /// # Errors
    /// When a database does not answer.
    pub async fn digest(&self, calls: &CallStore, week: Period) -> Result<Option<Digest>, StoreError> {
        let (_, catalog) = self.catalog().await?;
        let zone = catalog.company.time_zone;
        let rows = hourly(calls, week, zone).await?;
        if rows.is_empty() {
            return Ok(None);
        }
        let changes = self.recent_changes().await?;
        let approved = self.approved(&catalog, &changes).await?;
        let told = self.told(&changes, zone).await?;
        let unmatched = unmatched(calls, week.bounds(zone)).await?;
        Ok(Some(compose(&Inputs {
            catalog: &catalog,
            week,
            rows: &rows,
            approved: &approved,
            changes: &told,
            unmatched: &unmatched,
        })))
    }

    /// The newest changes that were filed.
    pub(super) async fn recent_changes(&self) -> Result<Vec<Change>, StoreError> {
        let loaded = store::changes::newest(&self.db, None, CHANGES).await?;
        Ok(loaded.into_iter().map(|loaded| loaded.change).collect())
    }

    /// Models that each workflow may use: by the catalog, by its live route, and by both routes of changes that were
    /// applied.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn approved_models(&self) -> Result<Approved, StoreError> {
        let (_, catalog) = self.catalog().await?;
        self.approved(&catalog, &self.recent_changes().await?).await
    }

    async fn approved(&self, catalog: &Catalog, changes: &[Change]) -> Result<Approved, StoreError> {
        let mut approved = Approved::new();
        for workflow in &catalog.workflows {
            let id = workflow.id.as_str();
            let models = approved.entry(id.to_owned()).or_default();
            let mut add = |route: &Route| add_models(models, route, catalog);
            if let Some(entry) = catalog.route(&workflow.route) {
                add(&entry.route());
            }
            if let Some(live) = store::routes::live(&self.db, id).await? {
                add(&live.route);
            }
            let applied = changes
                .iter()
                .filter(|change| change.workflow == workflow.id && change.application.is_some());
            for change in applied {
                add(&change.baseline);
                add(&change.candidate);
            }
        }
        Ok(approved)
    }

    async fn told(&self, changes: &[Change], zone: Tz) -> Result<Vec<RouteChange>, StoreError> {
        let mut told = Vec::new();
        for change in changes {
            let Some(outcome) = outcome(change) else {
                continue;
            };
            let paired = match &change.test {
                Some(test) => store::digests::paired_cost(&self.db, test.run.as_str()).await?,
                None => None,
            };
            told.push(RouteChange {
                number: change.number.0,
                workflow: change.workflow.as_str().to_owned(),
                from: change.baseline.primary.model.clone(),
                to: change.candidate.primary.model.clone(),
                outcome,
                title: change.state.title().to_owned(),
                on: period::day(change.updated_at, zone),
                applied_on: change.application.as_ref().map(|it| period::day(it.since, zone)),
                paired,
            });
        }
        Ok(told)
    }
}

/// How a change stands for finance; none while it is being written, tested or decided.
fn outcome(change: &Change) -> Option<Outcome> {
    Some(match change.state {
        State::Draft
        | State::Submitted
        | State::ShadowTesting
        | State::PolicyCheck
        | State::AwaitingApproval => return None,
        State::Approved | State::ApplyFailed => Outcome::Approved,
        State::Applying | State::Verifying => Outcome::Applied,
        State::Completed => Outcome::Verified,
        State::RolledBack => Outcome::RolledBack,
        State::Rejected | State::Expired | State::Withdrawn | State::PolicyDenied | State::ShadowFailed => {
            Outcome::Ended
        }
    })
}

fn add_models(models: &mut BTreeSet<String>, route: &Route, catalog: &Catalog) {
    for hop in route.hops() {
        models.insert(hop.model.clone());
        if let Some(entry) = catalog.model(&hop.provider, &hop.model) {
            models.extend(entry.aliases.iter().cloned());
        }
    }
}

/// Hourly sums up to the end of the week, with enough history for the outlook.
async fn hourly(calls: &CallStore, week: Period, zone: Tz) -> Result<Vec<(Key, Sums)>, StoreError> {
    let since = period::start_of(week.first - Days::new(HISTORY), zone);
    let (_, until) = week.bounds(zone);
    Ok(calls.rollup(since, until).await?.0.into_iter().collect())
}

/// Who made the calls that name no workflow, the dearest first.
async fn unmatched(
    calls: &CallStore,
    (since, until): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<Unmatched>, StoreError> {
    let filter = Filter {
        since: Some(since),
        until: Some(until),
        no_workflow: true,
        ..Filter::default()
    };
    let mut sums: BTreeMap<String, (i64, Usd)> = BTreeMap::new();
    let mut cursor = None;
    for _ in 0..PAGES {
        let page = calls.list(&filter, cursor, PAGE).await?;
        for call in page
            .items
            .iter()
            .filter(|call| !call.is_shadow && !call.is_internal)
        {
            let caller = match (&call.beside.key_alias, &call.team) {
                (Some(key), _) => format!("key \"{key}\""),
                (None, Some(team)) => format!("team \"{team}\""),
                (None, None) => format!("source \"{}\"", call.source),
            };
            let sum = sums.entry(caller).or_default();
            sum.0 += 1;
            sum.1 += call.cost_usd.unwrap_or_default();
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    let mut callers: Vec<Unmatched> = sums
        .into_iter()
        .map(|(caller, (calls, cost))| Unmatched { caller, calls, cost })
        .collect();
    callers.sort_by(|a, b| {
        (b.cost, b.calls)
            .cmp(&(a.cost, a.calls))
            .then_with(|| a.caller.cmp(&b.caller))
    });
    Ok(callers)
}

/// How far back sums are read for a month that is not over.
pub(super) fn history(today: chrono::NaiveDate, zone: Tz) -> (DateTime<Utc>, DateTime<Utc>) {
    let since = period::start_of(today - Days::new(HISTORY), zone);
    (since, period::start_of(today, zone) + TimeDelta::days(2))
}

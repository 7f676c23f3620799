//! What a workflow costs: this month so far, and in a whole month.

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use workflow_engine::{
    catalog::Catalog,
    store::{calls::CallStore, error::StoreError},
    values::Usd,
};

/// Dollars of a workflow's live calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spend {
    /// Since the month began in the company's time zone.
    pub(super) this_month: Usd,
    /// The last whole month with calls; else the last thirty days. None without any priced call.
    pub(super) a_month: Option<Usd>,
}

/// What `workflow` costs, as its recorded calls say at `now`.
pub(super) async fn spend(
    calls: &CallStore,
    workflow: &str,
    zone: Tz,
    now: DateTime<Utc>,
) -> Result<Spend, StoreError> {
    let this_month = month_start(zone, now, 0);
    let last_month = month_start(zone, now, 1);
    let soon = now + TimeDelta::hours(1);
    let only = |name: &str| name == workflow;
    let spent = sum(calls, only, (this_month, soon)).await?;
    let mut a_month = sum(calls, only, (last_month, this_month)).await?;
    if a_month == Usd::ZERO {
        a_month = sum(calls, only, (now - TimeDelta::days(30), soon)).await?;
    }
    Ok(Spend {
        this_month: spent,
        a_month: (a_month > Usd::ZERO).then_some(a_month),
    })
}

/// What the workflows of that cost centre have cost together since the month began in the company's time zone.
pub(super) async fn spent_by_cost_center(
    calls: &CallStore,
    catalog: &Catalog,
    cost_center: &str,
    now: DateTime<Utc>,
) -> Result<Usd, StoreError> {
    let this_month = month_start(catalog.company.time_zone, now, 0);
    let charged = |name: &str| {
        let entry = catalog.workflow(name);
        entry.is_some_and(|workflow| workflow.cost_center == cost_center)
    };
    sum(calls, charged, (this_month, now + TimeDelta::hours(1))).await
}

async fn sum(
    calls: &CallStore,
    of: impl Fn(&str) -> bool,
    (since, until): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Usd, StoreError> {
    let fold = calls.rollup(since, until).await?;
    let own = fold
        .0
        .iter()
        .filter(|(key, _)| key.kind == "live" && of(&key.workflow));
    Ok(own.map(|(_, sums)| Usd(sums.cost)).sum())
}

/// The first moment of the month `back` months ago, where the company is.
fn month_start(zone: Tz, now: DateTime<Utc>, back: u32) -> DateTime<Utc> {
    let today = now.with_timezone(&zone).date_naive();
    let first = today.with_day(1).unwrap_or(today);
    let first = first
        .checked_sub_months(chrono::Months::new(back))
        .unwrap_or(first);
    // Where a clock change skips midnight, the day begins at the next moment that exists.
    let midnight = first.and_time(chrono::NaiveTime::MIN);
    let start = (0..4).find_map(|hour| {
        zone.from_local_datetime(&(midnight + TimeDelta::hours(hour)))
            .earliest()
    });
    start.map_or_else(|| utc(first), |start| start.with_timezone(&Utc))
}

fn utc(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(chrono::NaiveTime::MIN).and_utc()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_begins_at_midnight_where_the_company_is() {
        let now = "2026-11-24T09:00:00Z".parse().unwrap();
        let said = |zone: Tz, back| month_start(zone, now, back).to_rfc3339();
        assert_eq!(said(Tz::UTC, 0), "2026-11-01T00:00:00+00:00");
        assert_eq!(said(Tz::Europe__Berlin, 0), "2026-10-31T23:00:00+00:00");
        assert_eq!(said(Tz::Europe__Berlin, 1), "2026-09-30T22:00:00+00:00");
    }
}

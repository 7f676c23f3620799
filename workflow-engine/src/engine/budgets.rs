//! Budgets as a use case: where each stands now, and telling people once per threshold and month.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Engine, digest::history};
use crate::{
    catalog::{Budget, Catalog},
    finance::{
        budgets::{self, Standing, Threshold, charged},
        charges::{Charge, charges},
        outlook::outlook,
        period::{self, Period},
    },
    store::{self, budgets::Alert, calls::CallStore, commit::JobRow, error::StoreError},
    values::{JobId, Usd},
};

/// Kind of the job that tells people of a threshold.
pub const TELL: &str = "tell_budget";

/// What the job tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tell {
    /// Key of the budget.
    pub budget: String,
    /// Whether the whole limit is used.
    pub used_up: bool,
    /// The sentence.
    pub sentence: String,
}

/// Where the budgets stand.
#[derive(Clone, Debug)]
pub struct Now {
    /// The month.
    pub month: Period,
    /// Today, in the company's time zone.
    pub today: NaiveDate,
    /// Each budget.
    pub standings: Vec<Standing>,
}

impl Engine {
    /// Where every budget stands at this moment.
    ///
    /// # Errors
    /// When a database does not answer.
    pub async fn budgets(&self, calls: &CallStore) -> Result<Now, StoreError> {
        let (_, catalog) = self.catalog().await?;
        let zone = catalog.company.time_zone;
        let today = period::day(self.clock.now(), zone);
        let month = Period::month_of(today);
        let charges = self.charges(calls, &catalog, today).await?;
        let standings = catalog
            .budgets
            .iter()
            .map(|budget| {
                let forecast = forecast(budget, &charges, &catalog, today);
                budgets::standing(budget, &charges, &catalog, month, forecast)
            })
            .collect();
        Ok(Now {
            month,
            today,
            standings,
        })
    }

    /// Tells people of thresholds that they were not told of this month; says how many are new. The row and the job
    /// that tells are one commit, so that a threshold is told once whatever crashes.
    ///
    /// # Errors
    /// When a database does not answer.
    pub async fn watch_budgets(&self, calls: &CallStore) -> Result<u64, StoreError> {
        let now = self.budgets(calls).await?;
        let period = now.month.key();
        let at = self.clock.now().timestamp_millis();
        let mut told = 0;
        for standing in &now.standings {
            let reached = standing.reached();
            let Some(gravest) = reached.last() else {
                continue;
            };
            let alerts: Vec<Alert> = reached
                .iter()
                .map(|threshold| Alert {
                    budget: standing.key.clone(),
                    period: period.clone(),
                    threshold: threshold.key(),
                    sentence: standing.sentence(*threshold, now.month),
                })
                .collect();
            // Who jumps from nothing to 100 % is told of 100 %; the forecast is told beside the shares.
            let known = store::budgets::of_month(&self.db, &period).await?;
            let new = |threshold: &Threshold| {
                let key = threshold.key();
                !known
                    .iter()
                    .any(|alert| alert.budget == standing.key && alert.threshold == key)
            };
            let to_tell = if new(gravest) {
                *gravest
            } else {
                Threshold::Forecast
            };
            let tell = Tell {
                budget: standing.key.clone(),
                used_up: standing.has_spent(100),
                sentence: standing.sentence(to_tell, now.month),
            };
            let job = JobRow {
                id: JobId(self.clock.new_id().to_string()),
                event_n: 0,
                kind: TELL,
                lane: None,
                dedup: Some(format!("{TELL}:{}:{period}:{}", standing.key, to_tell.key())),
                payload: serde_json::to_string(&tell)?,
                due_at: at,
                max_attempts: 20,
            };
            told += store::budgets::record(&self.db, alerts, job, at).await?;
        }
        if told > 0 {
            self.wake.notify_waiters();
        }
        Ok(told)
    }

    /// Charges of the last months up to now.
    pub(super) async fn charges(
        &self,
        calls: &CallStore,
        catalog: &Catalog,
        today: NaiveDate,
    ) -> Result<Vec<Charge>, StoreError> {
        let zone = catalog.company.time_zone;
        let (since, until) = history(today, zone);
        let rows = calls.rollup(since, until).await?;
        Ok(charges(rows.0.iter(), catalog, zone))
    }
}

/// Where the month of a budget is heading by its complete days; none with less than a week of the month, or none to
/// judge from.
fn forecast(budget: &Budget, charges: &[Charge], catalog: &Catalog, today: NaiveDate) -> Option<Usd> {
    let yesterday = today.pred_opt()?;
    if Period::month_of(yesterday) != Period::month_of(today) {
        return None;
    }
    let mut daily: BTreeMap<NaiveDate, Usd> = BTreeMap::new();
    for charge in charged(budget, charges, catalog) {
        *daily.entry(charge.day).or_default() += charge.cost;
    }
    let found = outlook(&daily, yesterday, &[])?;
    let elapsed = (yesterday - Period::month_of(today).first).num_days() + 1;
    (!found.by_pace || elapsed >= 7).then_some(found.total)
}

//! The weekly digest: what finance reads on Monday, composed from hourly sums, route changes and the catalog.
//!
//! [`compose`](fn@compose::compose) is pure: the same inputs give the same digest, so a week can be told once and
//! shown again. The first three blocks hold no engineer's word.

pub mod changes;
pub mod compose;
pub mod movers;
mod needs;
pub mod table;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::coverage::Approved;
use super::period::Period;
use crate::catalog::Catalog;
use crate::usage::rollup::{Key, Sums};
use crate::values::Usd;
pub use changes::RouteChange;

/// Everything a digest is made of.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// The catalog that holds at the end of the week.
    pub catalog: &'a Catalog,
    /// The week, Monday to Sunday.
    pub week: Period,
    /// Hourly sums up to the end of the week; the further back they go (180 days at most), the better the outlook.
    pub rows: &'a [(Key, Sums)],
    /// Models that each workflow may use by its approved routes.
    pub approved: &'a Approved,
    /// Route changes that were decided or applied, whenever.
    pub changes: &'a [RouteChange],
    /// Calls of the week that no rule matched, by what is known of their caller, the dearest first.
    pub unmatched: &'a [Unmatched],
}

/// Calls that name no workflow, by their caller.
#[derive(Clone, Debug, PartialEq)]
pub struct Unmatched {
    /// What is known: `key "batch-7"`, `team "search"`, `source "gateway-2"`.
    pub caller: String,
    /// How many.
    pub calls: i64,
    /// What they cost.
    pub cost: Usd,
}

/// How the month stands against the budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Heading for no more than the budget.
    OnTrack,
    /// Heading for at most a tenth more.
    Watch,
    /// Heading for more than that.
    Over,
    /// There is no budget, or nothing to say yet.
    Unknown,
}

impl Standing {
    /// The words that stand at the end of the first line.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::OnTrack => "On track.",
            Self::Watch => "Slightly above budget.",
            Self::Over => "Above budget.",
            Self::Unknown => "",
        }
    }
}

/// A composed digest: sentences and a table, in no format of any platform.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Digest {
    /// The company.
    pub company: String,
    /// The week.
    pub week: Period,
    /// The month that the week ends in.
    pub month: Period,
    /// How the month stands.
    pub standing: Standing,
    /// The one-line verdict.
    pub verdict: String,
    /// How much has an owner and an approved policy.
    pub coverage: String,
    /// What moved most.
    pub movers: String,
    /// What needs somebody.
    pub needs: Vec<String>,
    /// By cost centre.
    pub table: Vec<table::Row>,
    /// Why the week differs from the one before: volume, mix, use and price.
    pub drivers: String,
    /// Route changes of the week.
    pub changes: Vec<String>,
    /// Budgets that are past a threshold, or heading past their limit.
    pub budgets: Vec<String>,
    /// How the figures were made.
    pub notes: Vec<String>,
    /// Days of the month and the week, for the picture.
    pub days: Vec<Day>,
    /// The day's part of the monthly budget, if there is one.
    pub daily_budget: Option<Usd>,
}

/// What one day cost, by account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Day {
    /// The day.
    pub day: NaiveDate,
    /// Accounts with their amounts, in the same order every day.
    pub parts: Vec<(String, Usd)>,
}

/// Days of `charges` by account: the dearest four by name, then the rest, Unallocated and Shared.
#[must_use]
pub fn days(
    charges: &[super::charges::Charge],
    cut: super::charges::Cut,
    catalog: &Catalog,
    period: Period,
) -> Vec<Day> {
    use super::charges::{Account, totals, within};
    let sums = totals(within(charges, period), |charge| cut.account(charge, catalog));
    let mut named: Vec<(&Account, Usd)> = sums
        .iter()
        .filter(|(account, _)| matches!(account, Account::Named { .. }))
        .map(|(account, total)| (account, total.cost))
        .collect();
    named.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    let shown: Vec<&Account> = named.iter().take(4).map(|(account, _)| *account).collect();
    let label = |account: &Account| match account {
        Account::Named { .. } if !shown.contains(&account) => "Others".to_owned(),
        other => other.name().to_owned(),
    };
    let mut order: Vec<String> = shown.iter().map(|account| account.name().to_owned()).collect();
    for rest in ["Others", Account::Unallocated.name(), Account::Shared.name()] {
        if sums
            .iter()
            .any(|(account, total)| label(account) == rest && total.cost != Usd::ZERO)
        {
            order.push(rest.to_owned());
        }
    }
    let mut amounts: BTreeMap<(NaiveDate, String), Usd> = BTreeMap::new();
    for charge in within(charges, period) {
        *amounts
            .entry((charge.day, label(&cut.account(charge, catalog))))
            .or_default() += charge.cost;
    }
    period
        .first
        .iter_days()
        .take_while(|day| *day <= period.last)
        .map(|day| Day {
            day,
            parts: order
                .iter()
                .map(|name| {
                    (
                        name.clone(),
                        amounts.get(&(day, name.clone())).copied().unwrap_or_default(),
                    )
                })
                .collect(),
        })
        .collect()
}

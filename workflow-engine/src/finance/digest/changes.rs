//! Route changes in the digest: what was expected of them and what came.

use chrono::NaiveDate;
use num_traits::{Signed, Zero};
use rust_decimal::{Decimal, prelude::ToPrimitive};

use super::compose::Week;
use crate::finance::charges::{Bearer, total, within};
use crate::finance::exact::{self, Exact};
use crate::finance::period::Period;
use crate::finance::savings::{Stratum, savings};
use crate::finance::words::{day, money};
use crate::values::Usd;

/// How a change stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everybody agreed; not applied yet.
    Approved,
    /// The gateway has it; not seen in traffic yet.
    Applied,
    /// Seen in traffic.
    Verified,
    /// Taken back.
    RolledBack,
    /// Denied by people or by policy, expired or withdrawn.
    Ended,
}

/// A route change as finance needs it.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteChange {
    /// Its number.
    pub number: u64,
    /// The workflow.
    pub workflow: String,
    /// The model before.
    pub from: String,
    /// The model after.
    pub to: String,
    /// How it stands.
    pub outcome: Outcome,
    /// What people call that (`Denied`, `Not allowed by policy`).
    pub title: String,
    /// The day it came to stand so.
    pub on: NaiveDate,
    /// The day the gateway got it.
    pub applied_on: Option<NaiveDate>,
    /// Cost of the same calls on the old and the new route, from the paired test.
    pub paired: Option<(Usd, Usd)>,
}

impl RouteChange {
    /// New cost ÷ old cost of the same calls.
    #[must_use]
    pub fn factor(&self) -> Option<f64> {
        let (old, new) = self.paired?;
        (old.0 > Decimal::ZERO).then(|| (new.0 / old.0).to_f64())?
    }
}

/// One sentence a change that came to stand where it stands within the week, or that was applied in it.
pub(super) fn of_the_week(week: &Week<'_>) -> Vec<String> {
    let inside = |day: NaiveDate| week.inputs.week.contains(day);
    let mut changes: Vec<&RouteChange> = week
        .inputs
        .changes
        .iter()
        .filter(|change| inside(change.on) || change.applied_on.is_some_and(inside))
        .collect();
    changes.sort_by_key(|change| change.number);
    changes.into_iter().map(|change| sentence(week, change)).collect()
}

fn sentence(week: &Week<'_>, change: &RouteChange) -> String {
    let head = format!(
        "#{} {}: {} to {}",
        change.number, change.workflow, change.from, change.to
    );
    let expected = expected(week, change).unwrap_or_default();
    let on = day(change.on);
    match change.outcome {
        Outcome::Approved => format!("{head}, approved on {on}.{expected}"),
        Outcome::Applied => format!("{head}, applied on {on}, not seen in traffic yet.{expected}"),
        Outcome::Verified => {
            let measured = measured(week, change).unwrap_or_default();
            format!("{head}, seen in traffic on {on}.{expected}{measured}")
        }
        Outcome::RolledBack => format!("{head}, rolled back on {on}."),
        Outcome::Ended => format!("{head}: {} on {on}.", lower(&change.title)),
    }
}

fn lower(title: &str) -> String {
    let mut letters = title.chars();
    letters
        .next()
        .map(|first| first.to_lowercase().chain(letters).collect())
        .unwrap_or_default()
}

/// What the test let expect, on the spend of the four weeks before: ` Expected to save 43 % (about $8.4k a month).`
fn expected(week: &Week<'_>, change: &RouteChange) -> Option<String> {
    let (old, new) = change.paired?;
    if old.0 <= Decimal::ZERO {
        return None;
    }
    let saved = (old.0 - new.0) / old.0;
    let percent = (saved.abs() * Decimal::ONE_HUNDRED).round();
    let until = change.applied_on.unwrap_or(change.on);
    let before = Period {
        first: until - chrono::Days::new(28),
        last: until - chrono::Days::new(1),
    };
    let own = within(&week.charges, before)
        .filter(|charge| charge.bearer == Bearer::Workflow(change.workflow.clone()));
    let monthly = Usd(total(own).cost.0 * Decimal::from(30) / Decimal::from(28) * saved.abs());
    let amount = if monthly.0 > Decimal::ZERO {
        format!(" (about {} a month)", money(monthly))
    } else {
        String::new()
    };
    let word = if saved.is_sign_negative() { "cost" } else { "save" };
    let more = if saved.is_sign_negative() { " more" } else { "" };
    Some(format!(" Expected to {word} {percent} %{more}{amount}."))
}

/// What came: the cost since then against what the same calls would have cost before. Only for what was seen in traffic.
fn measured(week: &Week<'_>, change: &RouteChange) -> Option<String> {
    let since = Period {
        first: change.applied_on?,
        last: week.today,
    };
    let moved = within(&week.charges, since).filter(|charge| {
        charge.bearer == Bearer::Workflow(change.workflow.clone()) && charge.model == change.to
    });
    let actual = total(moved).cost;
    let (old, new) = change.paired?;
    let stratum = Stratum {
        id: "all".to_owned(),
        actual: number(actual),
        shadow_old: number(old),
        shadow_new: number(new),
    };
    let saved = savings(&[stratum], &Exact::zero())?;
    if saved.actual.is_zero() {
        return None;
    }
    let gross = saved.gross();
    let amount = Usd(exact::amount(&gross.abs()).parse().ok()?);
    let counterfactual = Usd(exact::amount(&saved.counterfactual).parse().ok()?);
    Some(match gross.is_negative() {
        false => format!(
            " Saved {} so far: {} instead of {}.",
            money(amount),
            money(actual),
            money(counterfactual)
        ),
        true => format!(
            " Cost {} more so far: {} instead of {}.",
            money(amount),
            money(actual),
            money(counterfactual)
        ),
    })
}

fn number(amount: Usd) -> Exact {
    exact::parse(&amount.0.to_string()).unwrap_or_else(Exact::zero)
}

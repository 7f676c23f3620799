//! Putting a digest together, block by block.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, NaiveDate};
use rust_decimal::Decimal;

use super::movers::{self, Mover};
use super::{Digest, Inputs, Standing, changes, days, needs, table};
use crate::finance::budgets;
use crate::finance::charges::{self, Bearer, Charge, Cut, total, within};
use crate::finance::coverage::{Coverage, Gap, coverage};
use crate::finance::outlook::{self, KnownChange, Outlook};
use crate::finance::period::Period;
use crate::finance::words::{compared, day, money, share, short};
use crate::values::Usd;

/// What the blocks share.
pub(super) struct Week<'a> {
    /// What was handed in.
    pub(super) inputs: &'a Inputs<'a>,
    /// Charges of all rows.
    pub(super) charges: Vec<Charge>,
    /// The month that the week ends in.
    pub(super) month: Period,
    /// The last day of the week.
    pub(super) today: NaiveDate,
}

/// Composes the digest of a week.
#[must_use]
pub fn compose(inputs: &Inputs<'_>) -> Digest {
    let zone = inputs.catalog.company.time_zone;
    let rows = inputs.rows.iter().map(|(key, sums)| (key, sums));
    let mut all = charges::charges(rows, inputs.catalog, zone);
    let today = inputs.week.last;
    all.retain(|charge| charge.day <= today);
    let week = Week {
        inputs,
        charges: all,
        month: Period::month_of(today),
        today,
    };
    let limit = budgets::company_limit(inputs.catalog);
    let outlook = week.outlook(|_| true);
    let standings = week.standings();
    let found = coverage(
        within(&week.charges, inputs.week),
        inputs.catalog,
        inputs.approved,
    );
    let moved = movers::movers(inputs);
    Digest {
        company: inputs.catalog.company.name.clone(),
        week: inputs.week,
        month: week.month,
        standing: stands(outlook.as_ref(), limit),
        verdict: week.verdict(outlook.as_ref(), limit),
        coverage: covered(&found, inputs),
        movers: moved_most(&moved, total(within(&week.charges, inputs.week.before())).calls),
        needs: needs::needs(&week, &standings, &found),
        table: table::rows(&week, &standings, outlook.as_ref(), limit),
        drivers: movers::drivers(inputs),
        changes: changes::of_the_week(&week),
        budgets: standings
            .iter()
            .filter_map(|standing| told(standing, week.month))
            .collect(),
        notes: notes(&week, outlook.as_ref()),
        days: days(&week.charges, Cut::Workflow, inputs.catalog, pictured(&week)),
        daily_budget: limit.map(|limit| Usd(limit.0 / Decimal::from(week.month.days()))),
    }
}

impl Week<'_> {
    /// Where the month is heading for the charges that `which` takes.
    pub(super) fn outlook(&self, which: impl Fn(&Charge) -> bool) -> Option<Outlook> {
        let mut daily: BTreeMap<NaiveDate, Usd> = BTreeMap::new();
        for charge in self.charges.iter().filter(|charge| which(charge)) {
            *daily.entry(charge.day).or_default() += charge.cost;
        }
        outlook::outlook(&daily, self.today, &self.known_changes(which))
    }

    /// Each applied change as a factor on the spend of those charges, from the day it was applied.
    fn known_changes(&self, which: impl Fn(&Charge) -> bool) -> Vec<KnownChange> {
        let changes = self.inputs.changes.iter();
        changes
            .filter_map(|change| {
                let (day, factor) = (change.applied_on?, change.factor()?);
                let before = Period {
                    first: day - Days::new(28),
                    last: day - Days::new(1),
                };
                let of = || within(&self.charges, before).filter(|charge| which(charge));
                let moved = of().filter(|charge| {
                    charge.bearer == Bearer::Workflow(change.workflow.clone()) && charge.model == change.from
                });
                let factor = outlook::overall_factor(total(moved).cost, total(of()).cost, factor);
                Some((day, factor))
            })
            .collect()
    }

    /// Where every budget stands at the end of the week.
    pub(super) fn standings(&self) -> Vec<budgets::Standing> {
        let catalog = self.inputs.catalog;
        catalog
            .budgets
            .iter()
            .map(|budget| {
                let own: Vec<&Charge> = budgets::charged(budget, &self.charges, catalog).collect();
                let outlook = self.outlook(|charge| own.contains(&charge));
                let forecast = outlook.filter(|outlook| !outlook.by_pace || self.elapsed() >= 7);
                let forecast = forecast.map(|outlook| outlook.total);
                budgets::standing(budget, &self.charges, catalog, self.month, forecast)
            })
            .collect()
    }

    /// Days of the month that are over.
    fn elapsed(&self) -> i64 {
        (self.today - self.month.first).num_days() + 1
    }

    /// `AI spend, week of 16 November: $96.2k, 4 % below last week. November: $412k so far, heading for $583k …`.
    fn verdict(&self, outlook: Option<&Outlook>, limit: Option<Usd>) -> String {
        let week = self.inputs.week;
        let now = total(within(&self.charges, week)).cost;
        let before = total(within(&self.charges, week.before())).cost;
        let compared = compared(now, before)
            .map(|words| format!(", {words} last week"))
            .unwrap_or_default();
        let mut line = format!("AI spend, week of {}: {}{compared}.", day(week.first), money(now));
        let Some(outlook) = outlook else {
            return line;
        };
        let month = self.month.first.format("%B");
        if self.today == self.month.last {
            line.push_str(&format!(" {month} closed at {}", money(outlook.total)));
        } else {
            line.push_str(&format!(
                " {month}: {} so far, heading for {}",
                money(outlook.spent),
                money(outlook.total)
            ));
            if let Some((low, high)) = outlook.band {
                line.push_str(&format!(" ({}–{})", short(low.0), short(high.0)));
            }
        }
        if let Some(limit) = limit {
            line.push_str(&format!(" of {}", money(limit)));
        }
        line.push('.');
        let standing = stands(Some(outlook), limit).words();
        if !standing.is_empty() {
            line.push(' ');
            line.push_str(standing);
        }
        line
    }
}

/// Forecast of at most the budget, at most a tenth more, or beyond.
fn stands(outlook: Option<&Outlook>, limit: Option<Usd>) -> Standing {
    let (Some(outlook), Some(limit)) = (outlook, limit) else {
        return Standing::Unknown;
    };
    match outlook.total.0 {
        total if total <= limit.0 => Standing::OnTrack,
        total if total <= limit.0 * Decimal::new(11, 1) => Standing::Watch,
        _ => Standing::Over,
    }
}

/// `97.4 % has an owner and an approved policy; $2.5k has not: $1.9k …`.
fn covered(found: &Coverage, inputs: &Inputs<'_>) -> String {
    let none_left = found.gaps.is_empty();
    if found.total == Usd::ZERO && none_left {
        return "No spend of any workflow this week.".to_owned();
    }
    if none_left {
        return "All of it has an owner and an approved policy.".to_owned();
    }
    let reasons: Vec<String> = found
        .gaps
        .iter()
        .flat_map(|(gap, total)| reasons(gap, total, inputs))
        .take(3)
        .collect();
    let head = match found.uncovered() {
        none if none == Usd::ZERO => "All priced spend has an owner and an approved policy".to_owned(),
        uncovered => format!(
            "{} has an owner and an approved policy; {} has not",
            share(found.covered, found.total),
            money(uncovered)
        ),
    };
    format!("{head}: {}.", reasons.join(", "))
}

/// A gap's sentence; calls without a workflow are told apart by their callers where these are known.
fn reasons(gap: &Gap, total: &charges::Total, inputs: &Inputs<'_>) -> Vec<String> {
    let unmatched = matches!(gap, Gap::Unallocated(charges::Reason::NoWorkflow));
    if !unmatched || inputs.unmatched.is_empty() {
        return vec![gap.sentence(total)];
    }
    inputs
        .unmatched
        .iter()
        .take(3)
        .map(|caller| format!("{} {} (no workflow)", money(caller.cost), caller.caller))
        .collect()
}

/// `Moved most: support-answer −$6.1k (route change #142), …`.
fn moved_most(moved: &[Mover], calls_before: i64) -> String {
    if calls_before == 0 {
        return "There is no week before to compare with.".to_owned();
    }
    if moved.is_empty() {
        return "No workflow moved by more than 1 % of the week's spend.".to_owned();
    }
    let moved: Vec<String> = moved.iter().take(5).map(Mover::words).collect();
    format!("Moved most: {}.", moved.join(", "))
}

fn told(standing: &budgets::Standing, month: Period) -> Option<String> {
    let gravest = standing
        .reached()
        .into_iter()
        .rfind(|at| *at != budgets::Threshold::Spent(50))?;
    Some(standing.sentence(gravest, month))
}

fn notes(week: &Week<'_>, outlook: Option<&Outlook>) -> Vec<String> {
    let mut notes = Vec::new();
    match outlook {
        Some(outlook) if outlook.by_pace => notes.push(
            "The month's outlook is the pace so far: fewer than 21 days of history are there yet.".to_owned(),
        ),
        Some(outlook) if outlook.band.is_some() => notes.push(
            "The outlook assumes that nothing else changes; the range in brackets holds in about 8 of 10 months.".to_owned(),
        ),
        _ => {}
    }
    let soon = week.today + Days::new(60);
    let catalog = week.inputs.catalog;
    for model in &catalog.models {
        let used = within(&week.charges, week.inputs.week).any(|charge| charge.model == model.id);
        if let Some(retires) = model.retires.filter(|retires| used && *retires <= soon) {
            notes.push(format!(
                "{} is taken away by its vendor on {} {}.",
                model.id,
                day(retires),
                retires.year()
            ));
        }
    }
    notes
}

/// The picture shows the month so far, and the whole week where it began in the month before.
fn pictured(week: &Week<'_>) -> Period {
    Period {
        first: week.month.first.min(week.inputs.week.first),
        last: week.today,
    }
}

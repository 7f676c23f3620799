//! A month of spend as a page shows it: one cut with its lines, the days, coverage, outlook.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};

use super::budgets;
use super::charges::{Account, Bearer, Charge, Cut, Reason, Total, total, totals, within};
use super::coverage::{Approved, Coverage, coverage};
use super::digest::{Day, days};
use super::outlook::{Outlook, outlook};
use super::period::Period;
use crate::catalog::Catalog;
use crate::values::Usd;

/// A month of spend.
#[derive(Clone, Debug, PartialEq)]
pub struct Spend {
    /// The month.
    pub month: Period,
    /// The last day that is shown: the month's last, or today.
    pub until: NaiveDate,
    /// How it is cut.
    pub cut: Cut,
    /// All of it.
    pub total: Total,
    /// As many days of the month before; none when it had no calls.
    pub before: Option<Usd>,
    /// Lines, the dearest first, what stands apart last.
    pub lines: Vec<Line>,
    /// Each day by account.
    pub days: Vec<Day>,
    /// The company's budget of a month, if there is one.
    pub limit: Option<Usd>,
    /// How much has an owner and an approved policy.
    pub coverage: Coverage,
    /// What nobody bears, by reason.
    pub unallocated: Vec<(Reason, Total)>,
    /// Where the month is heading; none for a month that is over.
    pub outlook: Option<Outlook>,
}

/// A line of a cut.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Whose it is.
    pub account: Account,
    /// Its figures.
    pub total: Total,
    /// As many days of the month before.
    pub before: Usd,
}

/// The spend of `month`, or of the newest month with charges. `today` is the company's day. None without any charge.
#[must_use]
pub fn spend(
    charges: &[Charge],
    catalog: &Catalog,
    approved: &Approved,
    today: NaiveDate,
    (month, cut): (Option<Period>, Cut),
) -> Option<Spend> {
    let newest = charges
        .iter()
        .map(|charge| charge.day)
        .filter(|day| *day <= today)
        .max()?;
    let month = month.unwrap_or_else(|| Period::month_of(newest));
    let until = month.last.min(today).max(month.first);
    let shown = Period {
        first: month.first,
        last: until,
    };
    let earlier = same_days_before(month, shown);
    let by = |period: Period| totals(within(charges, period), |charge| cut.account(charge, catalog));
    let (now, before) = (by(shown), by(earlier));
    let mut lines: Vec<Line> = now
        .into_iter()
        .map(|(account, total)| Line {
            before: before.get(&account).map(|total| total.cost).unwrap_or_default(),
            account,
            total,
        })
        .collect();
    lines.sort_by(|a, b| {
        let apart = |line: &Line| !matches!(line.account, Account::Named { .. });
        apart(a)
            .cmp(&apart(b))
            .then_with(|| b.total.cost.cmp(&a.total.cost))
            .then_with(|| a.account.cmp(&b.account))
    });
    let past = total(within(charges, earlier));
    Some(Spend {
        month,
        until,
        cut,
        total: total(within(charges, shown)),
        before: (past.calls > 0).then_some(past.cost),
        lines,
        days: days(charges, cut, catalog, shown),
        limit: budgets::company_limit(catalog),
        coverage: coverage(within(charges, shown), catalog, approved),
        unallocated: unallocated(charges, shown),
        outlook: (until < month.last).then(|| heading(charges, until)).flatten(),
    })
}

/// The same stretch of the month before, cut short where that month is shorter.
fn same_days_before(month: Period, shown: Period) -> Period {
    let before = Period::month_of(month.first - Days::new(1));
    let last = match shown.last == month.last {
        true => before.last,
        false => (before.first + Days::new(shown.days() - 1)).min(before.last),
    };
    Period {
        first: before.first,
        last,
    }
}

fn unallocated(charges: &[Charge], shown: Period) -> Vec<(Reason, Total)> {
    let by = totals(within(charges, shown), |charge| match &charge.bearer {
        Bearer::Unallocated(reason) => Some(reason.clone()),
        _ => None,
    });
    let mut reasons: Vec<(Reason, Total)> = by
        .into_iter()
        .filter_map(|(reason, total)| Some((reason?, total)))
        .collect();
    reasons.sort_by_key(|(_, total)| std::cmp::Reverse((total.cost, total.calls)));
    reasons
}

fn heading(charges: &[Charge], today: NaiveDate) -> Option<Outlook> {
    let mut daily: BTreeMap<NaiveDate, Usd> = BTreeMap::new();
    for charge in charges {
        *daily.entry(charge.day).or_default() += charge.cost;
    }
    // Today is not over: it counts with what it has, the days before it say how it goes on.
    let yesterday = today
        .pred_opt()
        .filter(|day| Period::month_of(*day) == Period::month_of(today))?;
    let so_far: Usd = daily
        .range(Period::month_of(today).first..=today)
        .map(|(_, amount)| *amount)
        .sum();
    outlook(&daily, yesterday, &[]).map(|ahead| Outlook {
        // What is spent already is never less than where it is heading.
        total: ahead.total.max(so_far),
        band: ahead.band.map(|(low, high)| (low.max(so_far), high.max(so_far))),
        ..ahead
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::sample;
    use crate::finance::charges::{charges, tests::row};

    fn of(
        rows: &[(crate::usage::rollup::Key, crate::usage::rollup::Sums)],
        today: &str,
        cut: Cut,
    ) -> Option<Spend> {
        let catalog = sample::sample();
        let charges = charges(
            rows.iter().map(|(key, sums)| (key, sums)),
            &catalog,
            chrono_tz::UTC,
        );
        spend(
            &charges,
            &catalog,
            &Approved::new(),
            today.parse().unwrap(),
            (None, cut),
        )
    }

    #[test]
    fn lines_and_days_sum_to_the_total_and_the_newest_month_is_shown() {
        let rows = [
            row("2026-09-30T10:00:00Z", "support-answer", "gpt-4o", "live", "7"),
            row("2026-10-02T10:00:00Z", "support-answer", "gpt-4o", "live", "5"),
            row("2026-10-03T10:00:00Z", "claims-triage", "claude", "live", "9"),
            row("2026-10-03T10:00:00Z", "", "gpt-4o", "live", "50"),
        ];
        for (_, cut) in Cut::ALL {
            let found = of(&rows, "2026-11-20", cut).unwrap();
            assert_eq!(found.month.key(), "2026-10");
            assert_eq!(found.total.cost.plain(), "64");
            assert_eq!(
                found.lines.iter().map(|line| line.total.cost).sum::<Usd>(),
                found.total.cost
            );
            let pictured: Usd = found
                .days
                .iter()
                .flat_map(|day| &day.parts)
                .map(|(_, amount)| *amount)
                .sum();
            assert_eq!(pictured, found.total.cost);
            assert_eq!(found.days.len(), 31);
            assert_eq!(found.before.unwrap().plain(), "7");
        }
        let found = of(&rows, "2026-11-20", Cut::Workflow).unwrap();
        let names: Vec<&str> = found.lines.iter().map(|line| line.account.id()).collect();
        assert_eq!(
            names,
            ["claims-triage", "support-answer", "unallocated"],
            "what stands apart is last"
        );
    }

    #[test]
    fn without_a_charge_there_is_nothing_to_show() {
        assert_eq!(of(&[], "2026-11-20", Cut::Owner), None);
    }
}

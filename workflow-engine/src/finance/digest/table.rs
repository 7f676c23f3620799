//! The digest's table: one line a cost centre, with what stands apart, and the sum.

use serde::{Deserialize, Serialize};

use super::compose::Week;
use crate::finance::budgets;
use crate::finance::charges::{Account, Charge, Cut, Total, total, totals, within};
use crate::finance::outlook::Outlook;
use crate::finance::words::{money, share, signed};
use crate::values::Usd;

/// One line, as people read it; amounts that are exact stand beside for files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The cost centre, or what stands apart.
    pub name: String,
    /// Its id, for files.
    pub id: String,
    /// The week.
    pub week: String,
    /// Against the week before.
    pub change: String,
    /// The month so far.
    pub month: String,
    /// The month's budget, or a dash.
    pub budget: String,
    /// Where the month is heading, or a dash.
    pub forecast: String,
    /// Its part of the week.
    pub share: String,
    /// The week, exactly.
    pub week_usd: Usd,
    /// The month so far, exactly.
    pub month_usd: Usd,
    /// Whether it is the sum.
    pub sum: bool,
}

/// Lines of the cost centres, the dearest first, then Unallocated, Shared and the sum.
pub(super) fn rows(
    week: &Week<'_>,
    standings: &[budgets::Standing],
    outlook: Option<&Outlook>,
    limit: Option<Usd>,
) -> Vec<Row> {
    let catalog = week.inputs.catalog;
    let account = |charge: &Charge| Cut::CostCenter.account(charge, catalog);
    let shown = budgets_period(week);
    let mut lines: Vec<(Account, Total)> = totals(within(&week.charges, shown), account)
        .into_iter()
        .collect();
    lines.sort_by(|(a, x), (b, y)| {
        let rank = |account: &Account| match account {
            Account::Named { .. } => 0,
            Account::Unallocated => 1,
            Account::Shared => 2,
        };
        rank(a)
            .cmp(&rank(b))
            .then_with(|| y.cost.cmp(&x.cost))
            .then_with(|| a.cmp(b))
    });
    let mut rows: Vec<Row> = lines
        .iter()
        .map(|(line, _)| {
            let own = |charge: &Charge| account(charge) == *line;
            let limit = standings
                .iter()
                .find(|standing| standing.key == format!("cost-center:{}", line.id()));
            let forecast = week.outlook(own);
            row(
                week,
                line,
                own,
                limit.map(|standing| standing.limit),
                forecast.as_ref(),
            )
        })
        .collect();
    let all = Account::Named {
        id: "total".to_owned(),
        name: "All".to_owned(),
    };
    rows.push(Row {
        sum: true,
        ..row(week, &all, |_| true, limit, outlook)
    });
    rows
}

/// Whoever cost something this week, the week before or this month has a line.
fn budgets_period(week: &Week<'_>) -> crate::finance::period::Period {
    crate::finance::period::Period {
        first: week.month.first.min(week.inputs.week.before().first),
        last: week.today,
    }
}

fn row(
    week: &Week<'_>,
    line: &Account,
    own: impl Fn(&Charge) -> bool,
    limit: Option<Usd>,
    outlook: Option<&Outlook>,
) -> Row {
    let cost = |period| total(within(&week.charges, period).filter(|charge| own(charge))).cost;
    let now = cost(week.inputs.week);
    let before = cost(week.inputs.week.before());
    let all = total(within(&week.charges, week.inputs.week)).cost;
    let month = cost(week.month);
    let dash = || "–".to_owned();
    Row {
        name: line.name().to_owned(),
        id: line.id().to_owned(),
        week: money(now),
        change: if before == Usd::ZERO {
            dash()
        } else {
            signed(now - before)
        },
        month: money(month),
        budget: limit.map_or_else(dash, money),
        forecast: outlook.map_or_else(dash, |outlook| money(outlook.total)),
        share: share(now, all),
        week_usd: now,
        month_usd: month,
        sum: false,
    }
}

//! Control 8: the budgets of the workflow and, where the policy asks, of its cost centre are not used up, and the workflow's
//! would not be overrun. A change that saves money is never held up by it.

use super::{
    super::{
        budget::{BudgetFacts, BudgetState},
        decision::Ruling,
        request::Phase,
    },
    Request,
};
use crate::{evidence::figures::about, values::Usd};

pub(super) fn check(request: &Request) -> Ruling {
    let saves = request
        .measured
        .as_ref()
        .is_some_and(|measured| measured.surely_saves());
    if let Some(center) = &request.cost_center_budget
        && center.state() == BudgetState::Exhausted
        && !(saves && request.phase == Phase::Full)
    {
        return Ruling::fail(
            format!(
                "The month's {} of cost centre {} are spent ({} so far).",
                center.limit, request.workflow.cost_center, center.spent
            ),
            "Raise the cost centre's budget, or wait for the next month.",
        );
    }
    let Some(budget) = &request.budget else {
        return Ruling::pass("No monthly limit is set.");
    };
    let BudgetFacts { limit, spent } = budget;
    if budget.state() == BudgetState::Exhausted {
        return match saves && request.phase == Phase::Full {
            true => Ruling::pass(format!(
                "The month's {limit} are spent; this change lowers the cost."
            )),
            false => Ruling::fail(
                format!("The month's {limit} are spent ({spent} so far)."),
                "Raise the budget, or wait for the next month.",
            ),
        };
    }
    match projected(request) {
        Some(projected) if projected > *limit && !saves => Ruling::fail(
            format!(
                "It would cost about {} a month; the limit is {limit}.",
                about(projected)
            ),
            "Raise the budget, or choose a cheaper route.",
        ),
        Some(projected) => Ruling::pass(format!("About {} of {limit} a month.", about(projected))),
        None => Ruling::pass(format!("{spent} of {limit} are spent this month.")),
    }
}

/// What a month would cost on the candidate: what it costs today times the measured ratio.
pub(in crate::policy) fn projected(request: &Request) -> Option<Usd> {
    let (ratio, _) = request.measured.as_ref()?.report.cost.as_ref()?.of_a_month()?;
    request.monthly_now?.times(ratio)
}

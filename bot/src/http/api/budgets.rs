//! `/api/v1/budgets`: where each budget stands this month.

use axum::{Json, extract::State};
use serde::Serialize;
use workflow_engine::{
    engine::queries::Page, finance::budgets::Threshold, policy::BudgetState, store, values::Usd,
};

use crate::http::{
    auth::{Caller, Permission},
    problem::Problem,
    state::AppState,
};

/// A budget as it stands.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Budget {
    /// `workflow:ID` or `cost-center:ID`.
    budget: String,
    name: String,
    /// The month, in the company's time zone.
    period: String,
    limit_usd: Usd,
    spent_usd: Usd,
    /// Where the month is heading, if that can be said.
    forecast_usd: Option<Usd>,
    state: BudgetState,
    thresholds: Vec<Reached>,
}

/// A threshold.
#[derive(Clone, Debug, Serialize)]
struct Reached {
    /// Percent of the limit, or `forecast`.
    threshold: String,
    reached: bool,
    /// Whether people were told this month.
    told: bool,
}

/// `GET /api/v1/budgets`.
pub(super) async fn list(
    State(state): State<AppState>,
    caller: Caller,
) -> Result<Json<Page<Budget>>, Problem> {
    caller.require(Permission::Finance)?;
    let now = state.engine.budgets(state.recorder()?.calls()).await?;
    let period = now.month.key();
    let told = store::budgets::of_month(state.db(), &period).await?;
    let items = now.standings.into_iter().map(|standing| {
        let reached = standing.reached();
        let all = standing
            .thresholds
            .iter()
            .map(|percent| Threshold::Spent(*percent));
        let thresholds = all.chain([Threshold::Forecast]).map(|threshold| Reached {
            reached: reached.contains(&threshold),
            told: told
                .iter()
                .any(|alert| alert.budget == standing.key && alert.threshold == threshold.key()),
            threshold: threshold.key(),
        });
        Budget {
            thresholds: thresholds.collect(),
            state: BudgetState::of(standing.spent, standing.limit, 80),
            budget: standing.key.clone(),
            name: standing.name.clone(),
            period: period.clone(),
            limit_usd: standing.limit,
            spent_usd: standing.spent,
            forecast_usd: standing.forecast,
        }
    });
    Ok(Json(Page {
        items: items.collect(),
        next_cursor: None,
    }))
}

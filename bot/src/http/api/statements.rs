//! `/api/v1/statements?period=2026-10`: a month's charges, every cent on one line.

use axum::{
    Json,
    extract::{Query, State},
};
use serde::{Deserialize, Serialize};
use workflow_engine::{
    finance::{period::Period, statement::Row},
    values::Usd,
};

use crate::http::{
    auth::{Caller, Permission},
    problem::{Code, Problem},
    state::AppState,
};

/// Which month.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    period: Option<String>,
}

/// A statement.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Statement {
    period: String,
    /// Where its days begin.
    time_zone: String,
    items: Vec<Row>,
    /// Σ `cost_usd` of the lines.
    total_usd: Usd,
    next_cursor: Option<String>,
}

/// `GET /api/v1/statements?period=2026-10`.
pub(super) async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Statement>, Problem> {
    caller.require(Permission::Finance)?;
    let month = wanted.period.as_deref().and_then(Period::month);
    let month = month.ok_or_else(|| Problem::new(Code::BadQuery, "`period` is a month, written 2026-10."))?;
    let items = state.engine.statement(state.recorder()?.calls(), month).await?;
    let zone = state.catalog().await?.company.time_zone;
    Ok(Json(Statement {
        period: month.key(),
        time_zone: zone.to_string(),
        total_usd: items.iter().map(|row| row.cost_usd).sum(),
        items,
        next_cursor: None,
    }))
}

//! `/api/v1/jobs`: dead letters (and, with `?fate=open`, what is due), and their way back into the queue.

use axum::{
    Json,
    extract::{Path, Query, State},
    http::StatusCode,
};
use serde::Deserialize;
use workflow_engine::{
    engine::queries::{Page, list::JobView},
    store::views::Fate,
    values::JobId,
};

use super::Paging;
use crate::http::{
    auth::{Caller, Permission},
    console::operations::send_again,
    problem::{Code, Problem},
    state::AppState,
};

/// Which jobs.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    fate: Option<String>,
}

/// `GET /api/v1/jobs?fate=dead|open`.
pub(super) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    paging: Paging,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Page<JobView>>, Problem> {
    caller.require(Permission::Read)?;
    let fate = match wanted.fate.as_deref() {
        None | Some("dead") => Fate::Dead,
        Some("open") => Fate::Open,
        Some(_) => return Err(Problem::new(Code::BadQuery, "`fate` must be dead or open.")),
    };
    Ok(Json(
        state.engine.job_views(fate, paging.cursor, paging.limit).await?,
    ))
}

/// `POST /api/v1/jobs/{id}/requeue`.
pub(super) async fn requeue(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    caller.require(Permission::Admin)?;
    send_again(&state, &JobId(id), &caller.actor()).await?;
    Ok(StatusCode::NO_CONTENT)
}

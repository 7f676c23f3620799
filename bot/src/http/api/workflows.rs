//! `/api/v1/workflows`: what is governed, and what serves it now.

use axum::{
    Json,
    extract::{Path, State},
};
use workflow_engine::engine::queries::{Page, list::WorkflowView};

use crate::http::{
    auth::{Caller, Permission},
    console::workflows::unknown,
    problem::Problem,
    state::AppState,
};

/// `GET /api/v1/workflows`: all of them; a catalog is small.
pub(super) async fn list(
    State(state): State<AppState>,
    caller: Caller,
) -> Result<Json<Page<WorkflowView>>, Problem> {
    caller.require(Permission::Read)?;
    Ok(Json(Page {
        items: state.engine.workflow_views().await?,
        next_cursor: None,
    }))
}

/// `GET /api/v1/workflows/{id}`.
pub(super) async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<WorkflowView>, Problem> {
    caller.require(Permission::Read)?;
    let catalog = state.catalog().await?;
    let entry = catalog.workflow(&id).ok_or_else(|| unknown(&catalog, &id))?;
    Ok(Json(state.engine.workflow_view(&catalog, entry).await?))
}

//! `/api/v1/events?after=SEQ`: the audit stream, oldest first, for a SIEM that polls.

use axum::{
    Json,
    extract::{Query, State},
};
use serde::Deserialize;
use workflow_engine::engine::queries::{Page, list::AuditEvent};

use super::Paging;
use crate::http::{
    auth::{Caller, Permission},
    problem::{Code, Problem},
    state::AppState,
};

/// Where to begin.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct After {
    after: Option<String>,
}

/// `GET /api/v1/events?after=SEQ&limit=`: `next_cursor` is the `after` of the next call, also when there is no more yet.
pub(super) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    paging: Paging,
    Query(after): Query<After>,
) -> Result<Json<Page<AuditEvent>>, Problem> {
    caller.require(Permission::Audit)?;
    let after = after.after.map(|text| text.parse()).transpose();
    let after = after.map_err(|_| Problem::new(Code::BadQuery, "`after` must be a `seq` of an event."))?;
    let after = after.or(paging.cursor).unwrap_or(0);
    let items = state.engine.audit_events(after, paging.limit).await?;
    let next = items.last().map_or(after, |event| event.event.seq);
    Ok(Json(Page {
        items,
        next_cursor: Some(next.to_string()),
    }))
}

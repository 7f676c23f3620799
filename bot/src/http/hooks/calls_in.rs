//! `POST /ingest/calls`: rows of our own shape, from any program.

use axum::{Json, extract::State};
use bytes::Bytes;
use integrations::traces::rows::Rows;

use super::Receipt;
use crate::http::{auth::Caller, problem::Problem, state::AppState};

/// An array, NDJSON or one object of rows of surfaces.md §6.
pub(super) async fn deliver(
    State(state): State<AppState>,
    caller: Caller,
    body: Bytes,
) -> Result<Json<Receipt>, Problem> {
    super::deliver(&state, &caller, body, Box::new(Rows))
        .await
        .map(Json)
}

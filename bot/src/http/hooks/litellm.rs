//! `POST /ingest/litellm`: LiteLLM's generic API callback.

use axum::{Json, extract::State};
use bytes::Bytes;
use integrations::gateways::litellm::ingest::Callback;

use super::Receipt;
use crate::http::{auth::Caller, problem::Problem, state::AppState};

/// An array, NDJSON or one object; all of them come typed `application/json`.
pub(super) async fn deliver(
    State(state): State<AppState>,
    caller: Caller,
    body: Bytes,
) -> Result<Json<Receipt>, Problem> {
    super::deliver(&state, &caller, body, Box::new(Callback))
        .await
        .map(Json)
}

//! `/openapi.json`: the hand-kept description of the API; a test holds it to the routes.

use axum::{http::header, response::IntoResponse};

/// The document, as it is in `docs/`.
const DOCUMENT: &str = include_str!("../../../../docs/openapi.json");

/// `GET /openapi.json`.
pub(super) async fn document() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT)
}

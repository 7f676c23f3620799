//! `/health/live`, `/health/ready`, `/metrics`: for orchestrators and Prometheus; they tell no secrets and need no token.

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use serde::Serialize;
use workflow_engine::store;

use crate::http::{problem::Problem, state::AppState};

/// The routes.
pub(in crate::http) fn routes() -> Router<AppState> {
    Router::new()
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .route("/metrics", get(metrics))
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
    database: &'static str,
    version: &'static str,
}

/// The process answers.
async fn live() -> Json<serde_json::Value> {
    Json(serde_json::json!({ "status": "live" }))
}

/// The database answers too; otherwise 503, and no traffic should come.
async fn ready(State(state): State<AppState>) -> Response {
    let answers = store::views::job_counts(state.db(), state.now().timestamp_millis())
        .await
        .is_ok();
    let (code, status, database) = if answers {
        (StatusCode::OK, "ready", "answers")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready", "does not answer")
    };
    (
        code,
        Json(Health {
            status,
            database,
            version: env!("CARGO_PKG_VERSION"),
        }),
    )
        .into_response()
}

/// Prometheus' text.
async fn metrics(State(state): State<AppState>) -> Result<Response, Problem> {
    let handle = state
        .metrics
        .as_ref()
        .ok_or_else(|| Problem::not_found("page", "/metrics"))?;
    let (open, due, dead) = store::views::job_counts(state.db(), state.now().timestamp_millis()).await?;
    crate::telemetry::metrics::jobs(open, due, dead);
    Ok((
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        handle.render(),
    )
        .into_response())
}

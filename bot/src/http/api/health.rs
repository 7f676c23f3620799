//! `/health/live`, `/health/ready`, `/metrics`: for orchestrators and Prometheus; they tell no secrets and need no token.

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use serde::Serialize;
use workflow_engine::{store, values::ChangeNumber};

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
    /// Lowest and highest version of the rules that this program carries.
    definition_versions: (u32, u32),
    /// Open changes that follow another one: they can only be read here.
    frozen: Vec<Frozen>,
}

#[derive(Serialize)]
struct Frozen {
    change: ChangeNumber,
    definition_version: u32,
}

/// The process answers.
async fn live() -> Json<serde_json::Value> {
    Json(serde_json::json!({ "status": "live" }))
}

/// The database answers too; otherwise 503, and no traffic should come. Frozen changes do not stop traffic: every other
/// change goes on.
async fn ready(State(state): State<AppState>) -> Response {
    let frozen = state.engine.frozen().await;
    let (code, status, database) = match &frozen {
        Ok(_) => (StatusCode::OK, "ready", "answers"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "not ready", "does not answer"),
    };
    let health = Health {
        status,
        database,
        version: env!("CARGO_PKG_VERSION"),
        definition_versions: state.engine.definitions().range(),
        frozen: frozen.unwrap_or_default().into_iter().map(Frozen::of).collect(),
    };
    (code, Json(health)).into_response()
}

impl Frozen {
    fn of((change, definition_version): (ChangeNumber, u32)) -> Self {
        Self {
            change,
            definition_version,
        }
    }
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

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

use crate::{
    http::{problem::Problem, state::AppState},
    telemetry::metrics,
};

/// The routes.
pub(in crate::http) fn routes() -> Router<AppState> {
    Router::new()
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .route("/metrics", get(exposition))
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
    /// `alarm` when a witness holds another ledger than ours, `behind` when one did not cosign; it needs a person, but
    /// traffic may come.
    #[serde(skip_serializing_if = "Option::is_none")]
    witnesses: Option<&'static str>,
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

/// The database answers too and nobody has told us to stop; otherwise 503, and no traffic should come. Frozen changes do not stop traffic: every other
/// change goes on.
async fn ready(State(state): State<AppState>) -> Response {
    let frozen = state.engine.frozen().await;
    let (code, status, database) = match &frozen {
        Ok(_) if state.closing.is_cancelled() => (StatusCode::SERVICE_UNAVAILABLE, "stopping", "answers"),
        Ok(_) => (StatusCode::OK, "ready", "answers"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "not ready", "does not answer"),
    };
    let health = Health {
        status,
        database,
        version: env!("CARGO_PKG_VERSION"),
        definition_versions: state.engine.definitions().range(),
        frozen: frozen.unwrap_or_default().into_iter().map(Frozen::of).collect(),
        witnesses: witnesses(&state).await,
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

/// How the ledger's witnesses stand; none without witnesses.
async fn witnesses(state: &AppState) -> Option<&'static str> {
    let all = state.ledger.witnesses().await.unwrap_or_default();
    if all.is_empty() {
        return None;
    }
    if all.iter().any(|one| one.alarm) {
        return Some("alarm");
    }
    let troubled = all.iter().any(|one| one.trouble.is_some());
    Some(if troubled { "behind" } else { "in step" })
}

/// Prometheus' text.
async fn exposition(State(state): State<AppState>) -> Result<Response, Problem> {
    let handle = state
        .metrics
        .as_ref()
        .ok_or_else(|| Problem::not_found("page", "/metrics"))?;
    let db = state.db();
    metrics::gauges(&store::gauges::gauges(db, state.now().timestamp_millis()).await?);
    metrics::counts(state.engine.counts(), store::db::syncs(db).await?);
    for one in state.ledger.witnesses().await? {
        metrics::witness(one.name(), one.size, one.trouble.is_some(), one.alarm);
    }
    Ok((
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        handle.render(),
    )
        .into_response())
}

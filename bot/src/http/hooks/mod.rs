//! Where other systems deliver: clicks and words of chat, calls as traces, callbacks and rows.

pub mod calls_in;
pub mod chat;
pub mod gate;
pub mod litellm;
pub mod traces;

use axum::{Router, routing::post};
use bytes::Bytes;
use serde::Serialize;
use workflow_engine::{
    ports::trace_source::{Malformed, TraceSource},
    store::{calls::RecordError, error::StoreError},
    usage::report::Recorded,
};

use super::{
    auth::{Caller, Permission},
    problem::{Code, Problem},
    state::AppState,
};
use crate::telemetry::metrics;

/// Bodies from this length on are read on a thread of their own, so that others are not kept waiting.
const LONG: usize = 256 * 1024;
/// Most rejects that an answer spells out; all are kept.
const SHOWN: usize = 20;

/// The paths of this part.
pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/v1/traces", post(traces::traces).put(traces::traces))
        .route("/v1/logs", post(traces::dropped).put(traces::dropped))
        .route("/v1/metrics", post(traces::dropped).put(traces::dropped))
        .route("/ingest/litellm", post(litellm::deliver))
        .route("/ingest/calls", post(calls_in::deliver))
        .route("/hooks/v1/decide", post(gate::decide))
        .route(
            "/hooks/litellm/{gateway}/beta/litellm_basic_guardrail_api",
            post(gate::litellm),
        )
}

/// What became of a delivery, for its sender.
#[derive(Clone, Debug, Serialize)]
pub struct Receipt {
    /// Counts; the delivery is on disk.
    #[serde(flatten)]
    pub recorded: Recorded,
    /// The first records that could not be read; they are kept with their reasons.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rejects: Vec<Rejected>,
}

/// A record that could not be read.
#[derive(Clone, Debug, Serialize)]
pub struct Rejected {
    /// Where it stood in the body.
    pub place: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Reads `body` as `format` and stores what it holds under the caller's source; answers when it is on disk.
pub(super) async fn deliver(
    state: &AppState,
    caller: &Caller,
    body: Bytes,
    format: Box<dyn TraceSource>,
) -> Result<Receipt, Problem> {
    caller.require(Permission::Ingest)?;
    let bytes = body.len();
    let source = caller.source.clone();
    let delivery = if bytes < LONG {
        format.receive(&source, &body)
    } else {
        let reading = tokio::task::spawn_blocking(move || format.receive(&source, &body));
        reading.await.map_err(|error| Problem::internal(&error))?
    };
    let delivery = delivery.map_err(malformed)?;
    let rejects: Vec<Rejected> = delivery
        .rejects
        .iter()
        .take(SHOWN)
        .map(|reject| Rejected {
            place: reject.place.clone(),
            reason: reject.reason.clone(),
        })
        .collect();
    let recorded = state
        .recorder()?
        .record(&caller.source, delivery, bytes)
        .await
        .map_err(not_stored)?;
    metrics::calls(&caller.source, recorded.new as u64, recorded.rejected as u64);
    Ok(Receipt { recorded, rejects })
}

fn malformed(error: Malformed) -> Problem {
    Problem::new(
        Code::BadBody,
        format!(
            "{} cannot be read at {}: {}. Nothing of it was stored.",
            error.what, error.place, error.why
        ),
    )
}

fn not_stored(error: RecordError) -> Problem {
    match error {
        RecordError::Busy { retry_after_s } => Problem::new(
            Code::RateLimited,
            "More calls wait to be stored than may wait. Nothing of this delivery was stored; send it again.",
        )
        .retry_after(retry_after_s),
        RecordError::Store(error @ StoreError::Unavailable(_)) => Problem::from(error).retry_after(2),
        RecordError::Store(error) => Problem::from(error),
    }
}

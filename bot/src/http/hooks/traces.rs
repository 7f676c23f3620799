//! OTLP over HTTP: `/v1/traces` in both encodings; logs and metrics are answered and left.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use integrations::traces::otlp;
use prost::Message;
use serde_json::json;
use workflow_engine::ports::trace_source::TraceSource;

use super::{Receipt, deliver};
use crate::{
    calls::sniff,
    http::{
        auth::{Caller, Permission},
        problem::Problem,
        state::AppState,
    },
    telemetry::metrics,
};

const PROTOBUF: &str = "application/x-protobuf";

/// `POST|PUT /v1/traces`: answers in the encoding it was asked in, with what could not be read as a partial success.
pub(super) async fn traces(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let protobuf = is_protobuf(&headers, &body);
    let format: Box<dyn TraceSource> = if protobuf {
        Box::new(otlp::Protobuf)
    } else {
        Box::new(otlp::Json)
    };
    if body.is_empty() {
        caller.require(Permission::Ingest)?;
        return Ok(answer(protobuf, None));
    }
    let receipt = deliver(&state, &caller, body, format).await?;
    Ok(answer(protobuf, Some(&receipt)))
}

/// `/v1/logs` and `/v1/metrics`: what is in them is in the spans as well, or is not about calls.
pub(super) async fn dropped(caller: Caller, headers: HeaderMap, body: Bytes) -> Result<Response, Problem> {
    caller.require(Permission::Ingest)?;
    metrics::dropped(body.len() as u64);
    Ok(answer(is_protobuf(&headers, &body), None))
}

/// By the type that was named, else by the bytes.
fn is_protobuf(headers: &HeaderMap, body: &Bytes) -> bool {
    let named = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if named.contains("json") {
        return false;
    }
    named.contains("protobuf") || sniff::is_binary(body)
}

/// `ExportTracePartialSuccess` inside its response.
#[derive(Message)]
struct Partial {
    #[prost(message, optional, tag = "1")]
    partial_success: Option<PartialSuccess>,
}

#[derive(Message)]
struct PartialSuccess {
    #[prost(int64, tag = "1")]
    rejected_spans: i64,
    #[prost(string, tag = "2")]
    error_message: String,
}

fn answer(protobuf: bool, receipt: Option<&Receipt>) -> Response {
    let rejected = receipt.map_or(0, |receipt| receipt.recorded.rejected);
    let message = receipt
        .and_then(|receipt| receipt.rejects.first())
        .map(|reject| format!("{}: {}", reject.place, reject.reason))
        .unwrap_or_default();
    if !protobuf {
        let body = match rejected {
            0 => json!({}),
            _ => json!({"partialSuccess": {"rejectedSpans": rejected.to_string(), "errorMessage": message}}),
        };
        return axum::Json(body).into_response();
    }
    let partial = Partial {
        partial_success: (rejected > 0).then(|| PartialSuccess {
            rejected_spans: i64::try_from(rejected).unwrap_or(i64::MAX),
            error_message: message,
        }),
    };
    let mut response = partial.encode_to_vec().into_response();
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(PROTOBUF));
    response
}

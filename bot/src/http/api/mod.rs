//! `/api/v1`: one file a resource. Lists are cursor-paged, writes take `Idempotency-Key`, errors are problem+json.

pub mod budgets;
pub mod calls;
pub mod changes;
pub mod events;
pub mod evidence;
pub mod examples;
pub mod health;
pub mod jobs;
mod labels;
pub mod ledger;
pub mod openapi;
mod packet;
pub mod policies;
pub mod statements;
pub mod traffic;
pub mod workflows;

use axum::{
    Router,
    extract::{FromRequest, FromRequestParts, Request, rejection::JsonRejection},
    http::request::Parts,
    routing::{get, post},
};
use serde::{Deserialize, de::DeserializeOwned};

use super::{
    problem::{Code, Problem},
    state::AppState,
};

/// The API's routes. A new resource is its file and its lines here, and its paths in `docs/openapi.json`.
pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/v1/workflows", get(workflows::list))
        .route("/api/v1/workflows/{id}", get(workflows::show))
        .route(
            "/api/v1/workflows/{id}/labels",
            get(labels::next).post(labels::say),
        )
        .route("/api/v1/changes", get(changes::list).post(changes::file))
        .route("/api/v1/changes/{number}", get(changes::show))
        .route("/api/v1/changes/{number}/submit", post(changes::submit))
        .route("/api/v1/changes/{number}/votes", post(changes::vote))
        .route("/api/v1/changes/{number}/comments", post(changes::comment))
        .route("/api/v1/changes/{number}/withdraw", post(changes::withdraw))
        .route("/api/v1/changes/{number}/test", post(changes::steer_test))
        .route("/api/v1/changes/{number}/apply", post(changes::apply))
        .route("/api/v1/changes/{number}/rollback", post(changes::roll_back))
        .route("/api/v1/changes/{number}/packet", get(packet::show))
        .route(
            "/api/v1/changes/{number}/evidence",
            get(evidence::list).post(evidence::attach),
        )
        .route("/api/v1/changes/{number}/evidence/{sha256}", get(evidence::pairs))
        .route("/api/v1/changes/{number}/examples", get(examples::list))
        .route("/api/v1/calls", get(calls::list))
        .route("/api/v1/calls/{id}", get(calls::show))
        .route("/api/v1/policies", get(policies::list).post(policies::propose))
        .route(
            "/api/v1/policies/what-if",
            get(policies::matrix).post(policies::try_out),
        )
        .route("/api/v1/policies/traffic", get(traffic::list))
        .route("/api/v1/budgets", get(budgets::list))
        .route("/api/v1/statements", get(statements::show))
        .route("/api/v1/jobs", get(jobs::list))
        .route("/api/v1/jobs/{id}/requeue", post(jobs::requeue))
        .route("/api/v1/events", get(events::list))
        .route("/api/v1/ledger/checkpoint", get(ledger::checkpoint))
        .route("/api/v1/ledger/proof/{index}", get(ledger::proof))
        .route("/api/v1/ledger/witnesses", get(ledger::witnesses))
        .route("/api/v1/ledger/erasures", post(ledger::erase))
        .route("/openapi.json", get(openapi::document))
}

/// A JSON body; one that cannot be read is a problem that names line and column.
#[derive(Clone, Debug)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match axum::Json::<T>::from_request(request, state).await {
            Ok(axum::Json(body)) => Ok(Self(body)),
            Err(JsonRejection::MissingJsonContentType(_)) => Err(Problem::new(
                Code::UnsupportedMediaType,
                "Send JSON, with Content-Type: application/json.",
            )),
            Err(JsonRejection::BytesRejection(error)) if error.status() == 413 => {
                Err(Problem::new(Code::TooLarge, error.body_text()))
            }
            Err(error) => Err(Problem::new(Code::BadBody, said(&error.body_text()))),
        }
    }
}

/// axum's sentence without its preamble: `votes[0]: missing field …`.
fn said(text: &str) -> String {
    let text = text
        .strip_prefix("Failed to deserialize the JSON body into the target type: ")
        .unwrap_or(text);
    let text = text
        .strip_prefix("Failed to parse the request body as JSON: ")
        .unwrap_or(text);
    format!("The body cannot be read: {text}.")
}

/// `?limit=&cursor=` of a list.
#[derive(Clone, Debug)]
pub struct Paging {
    /// Most rows; 1 to 200.
    pub limit: u64,
    /// What the previous page's `next_cursor` said.
    pub cursor: Option<i64>,
}

#[derive(Deserialize)]
struct RawPaging {
    limit: Option<String>,
    cursor: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Paging {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let raw: RawPaging = serde_urlencoded::from_str(query)
            .map_err(|error| Problem::new(Code::BadQuery, format!("The query cannot be read: {error}.")))?;
        let limit = raw.limit.map_or(Ok(50), |text| text.parse());
        let limit = limit.ok().filter(|limit| (1..=200).contains(limit));
        let cursor = raw.cursor.map(|text| text.parse()).transpose();
        Ok(Self {
            limit: limit.ok_or_else(|| Problem::new(Code::BadQuery, "`limit` must be 1 to 200."))?,
            cursor: cursor.map_err(|_| {
                Problem::new(
                    Code::BadQuery,
                    "`cursor` must be the `next_cursor` of the previous page.",
                )
            })?,
        })
    }
}

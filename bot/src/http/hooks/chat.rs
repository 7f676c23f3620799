//! `/chat/slack/{events,interactions,commands}`: verify, read, store, acknowledge; the rest is a job's.

use std::{sync::Arc, time::Instant};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use workflow_engine::ports::chat::{HttpDelivery, InteractionSink, Received, Rejected};

use crate::chat::Chat;

/// Longest body that Slack sends; more is turned away unread.
const BODY: usize = 1 << 20;

/// The endpoints of the conversation on Slack.
pub fn router(chat: Arc<Chat>) -> Router {
    Router::new()
        .route("/chat/slack/{endpoint}", post(receive))
        .layer(axum::extract::DefaultBodyLimit::max(BODY))
        .with_state(chat)
}

async fn receive(
    State(chat): State<Arc<Chat>>,
    Path(endpoint): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let started = Instant::now();
    let header = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    let delivery = HttpDelivery {
        endpoint: &endpoint,
        header: &header,
        body: &body,
        at: chat.engine().clock().now(),
    };
    let answer = match chat.platform().receive(&delivery) {
        Ok(Received::Interaction(interaction)) => match chat.accept(*interaction).await {
            Ok(answer) => match chat.platform().answer(&answer) {
                Some(body) => {
                    ([(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
                }
                None => StatusCode::OK.into_response(),
            },
            // Not acknowledged: what is repeated comes again, and nobody believes that it was recorded.
            Err(error) => {
                tracing::error!(%error, "a delivery could not be stored");
                (StatusCode::SERVICE_UNAVAILABLE, "not stored; deliver it again\n").into_response()
            }
        },
        Ok(Received::Echo(text)) => text.into_response(),
        Ok(Received::Ignored(what)) => {
            tracing::debug!(what, "a delivery that is not for us");
            StatusCode::OK.into_response()
        }
        Err(rejected) => turned_away(&rejected),
    };
    tracing::debug!(
        endpoint,
        status = answer.status().as_u16(),
        ms = started.elapsed().as_millis(),
        "chat delivery"
    );
    answer
}

fn turned_away(rejected: &Rejected) -> Response {
    tracing::warn!(%rejected, "a chat delivery was turned away");
    let (status, remedy) = match rejected {
        Rejected::Signature => (StatusCode::UNAUTHORIZED, "check slack.signing_secret"),
        Rejected::Stale => (StatusCode::UNAUTHORIZED, "check this machine's clock"),
        Rejected::Malformed(_) => (StatusCode::BAD_REQUEST, "nothing was recorded"),
    };
    (status, format!("{rejected}; {remedy}\n")).into_response()
}

//! What is checked at the door: bodies by their decompressed size, requests by caller, headers that browsers obey.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use tokio_util::sync::CancellationToken;
use workflow_engine::values::Digest;

use super::problem::{Code, Problem};
use crate::{config::Server, telemetry::metrics};

/// Requests a second by caller.
#[derive(Clone)]
pub struct Door {
    limiter: Arc<DefaultKeyedRateLimiter<[u8; 8]>>,
}

impl Door {
    /// A door that lets in what `server` allows.
    #[must_use]
    pub fn new(server: &Server) -> Self {
        let at_least_one = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(at_least_one(server.requests_per_second))
            .allow_burst(at_least_one(server.burst));
        Self {
            limiter: Arc::new(RateLimiter::keyed(quota)),
        }
    }

    /// Whether the caller may come in now.
    fn admits(&self, headers: &HeaderMap) -> bool {
        // Callers that have left are forgotten now and then, so that the table stays small.
        if self.limiter.len() > 10_000 {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(&caller_key(headers)).is_ok()
    }
}

/// A short digest of the credentials: the same caller has the same key, and no token is kept.
fn caller_key(headers: &HeaderMap) -> [u8; 8] {
    let credentials = [
        header::AUTHORIZATION,
        HeaderName::from_static("x-api-key"),
        header::COOKIE,
    ];
    let mut all = Vec::new();
    for name in credentials {
        all.extend(headers.get(name).map(HeaderValue::as_bytes).unwrap_or_default());
    }
    let digest = Digest::of(&all);
    let mut key = [0; 8];
    key.copy_from_slice(&digest.0[..8]);
    key
}

/// Layer: refuses callers that come too often.
pub(super) async fn pace(State(door): State<Door>, request: Request, next: Next) -> Response {
    if door.admits(request.headers()) {
        return next.run(request).await;
    }
    Problem::new(
        Code::RateLimited,
        "You made more requests than one caller may. Wait a second, then go on.",
    )
    .retry_after(1)
    .into_response()
}

/// Layer: once the service is told to stop, it takes no commands. Reading goes on, and so do decisions on requests under
/// way (`/hooks`, `/v1/data`): nobody's traffic must stop because a replica does.
pub(super) async fn closing(
    State(closing): State<CancellationToken>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    let decides = path.starts_with("/hooks/") || path.starts_with("/v1/data/");
    if !closing.is_cancelled() || request.method().is_safe() || decides {
        return next.run(request).await;
    }
    Problem::new(
        Code::Stopping,
        "This replica was told to stop and takes no new commands. Nothing was recorded; send it again.",
    )
    .retry_after(2)
    .into_response()
}

/// Layer: a slow answer is given up. Live updates take their time and are left alone.
pub(super) async fn patience(State(most): State<Duration>, request: Request, next: Next) -> Response {
    if request.uri().path() == "/events" {
        return next.run(request).await;
    }
    match tokio::time::timeout(most, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::new(
            Code::Timeout,
            "The answer was not ready in time. Send it again with the same Idempotency-Key: it is recorded once.",
        )
        .retry_after(2)
        .into_response(),
    }
}

/// Layer: counts and times requests by the pattern of their route.
pub(super) async fn measured(request: Request, next: Next) -> Response {
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "none".to_owned(), |it| it.as_str().to_owned());
    let method = request.method().as_str().to_owned();
    let begun = tokio::time::Instant::now();
    let response = next.run(request).await;
    metrics::request(
        &route,
        &method,
        response.status().as_u16(),
        begun.elapsed().as_secs_f64(),
    );
    response
}

/// Layer: headers that browsers obey, on every answer.
pub(super) async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), geolocation=(), microphone=()",
        ),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Own style and script files only; nothing inline, nothing from elsewhere, in no frame.
const CONTENT_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Layer: answers that axum and tower made themselves (text, or nothing) become problems.
pub(super) async fn plain_errors(State(most_bytes): State<usize>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    match response.extensions().get::<Problem>() {
        // A handler that met the limit does not know what it is set to.
        Some(problem) if problem.code == Code::TooLarge.parts().0 => {
            return too_large(most_bytes).into_response();
        }
        Some(_) => return response,
        None if is_ours(&response) => return response,
        None => {}
    }
    let allow = response.headers().get(header::ALLOW).cloned();
    let problem = match response.status() {
        StatusCode::NOT_FOUND => Problem::new(Code::NotFound, "There is no such page or path."),
        StatusCode::METHOD_NOT_ALLOWED => Problem::new(
            Code::MethodNotAllowed,
            "The `Allow` header names the methods this path takes.",
        ),
        StatusCode::PAYLOAD_TOO_LARGE => too_large(most_bytes),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            Problem::new(Code::UnsupportedMediaType, text_of(response).await)
        }
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => {
            Problem::new(Code::BadBody, text_of(response).await)
        }
        status if status.is_server_error() => Problem::internal(&format!("answered {status}")),
        _ => return response,
    };
    let mut response = problem.into_response();
    if let Some(allow) = allow {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}

/// The problem of a body over the limit.
pub(super) fn too_large(most_bytes: usize) -> Problem {
    let mib = most_bytes / (1024 * 1024);
    Problem::new(
        Code::TooLarge,
        format!(
            "A body may have {mib} MiB after decompression. Send it in smaller requests \
             (collectors: a smaller send_batch_max_size) or raise server.max_body_mib."
        ),
    )
}

/// Whether an answer with an error status was written on purpose: it has a body of a type of ours.
fn is_ours(response: &Response) -> bool {
    if response.status().is_success() || response.status().is_redirection() {
        return true;
    }
    let kind = response
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| !kind.starts_with("text/plain"))
}

/// What axum said, without its habit of quoting the whole type.
async fn text_of(response: Response) -> String {
    let bytes = axum::body::to_bytes(response.into_body(), 4096)
        .await
        .unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    if text.is_empty() {
        "The request cannot be read.".to_owned()
    } else {
        text
    }
}

/// The answer to a handler that panicked: logged by tower, told to nobody.
pub(super) fn panicked(_: Box<dyn std::any::Any + Send + 'static>) -> Response<Body> {
    Problem::internal(&"a handler panicked").into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_caller_is_told_apart_from_another_by_its_token() {
        let mut one = HeaderMap::new();
        one.insert(header::AUTHORIZATION, HeaderValue::from_static("Bearer gov_1"));
        assert_ne!(caller_key(&one), caller_key(&HeaderMap::new()));
    }

    #[test]
    fn a_caller_that_comes_too_often_waits() {
        let mut server = crate::config::Config::defaults().unwrap().server;
        (server.requests_per_second, server.burst) = (1, 2);
        let door = Door::new(&server);
        let let_in = [(); 4].map(|()| door.admits(&HeaderMap::new()));
        assert_eq!(let_in, [true, true, false, false]);
    }
}

//! The one HTTP client: rustls with aws-lc-rs, time-outs, bounded bodies, retries, and no secret in a log or an error.

use std::{
    sync::{
        Once,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use backon::{ExponentialBuilder, Retryable};
use bytes::{Bytes, BytesMut};
use chrono::DateTime;
use futures_util::StreamExt;
use http::{HeaderMap, StatusCode};
use reqwest::RequestBuilder;

/// Asks over HTTP with limits. Cheap to clone; clones share connections.
#[derive(Clone, Debug)]
pub struct Http {
    client: reqwest::Client,
    options: Options,
}

/// Limits of a client.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// For the connection alone.
    pub connect_timeout: Duration,
    /// For one whole attempt, body included.
    pub timeout: Duration,
    /// Longest body that is read.
    pub max_body_bytes: usize,
    /// Attempts in all, the first included.
    pub attempts: usize,
    /// Wait before the second attempt; doubles each time, plus a random part of up to the same again.
    pub first_wait: Duration,
    /// Longest wait. A `Retry-After` beyond it ends the attempts: the caller comes back later.
    pub longest_wait: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(60),
            max_body_bytes: 8 << 20,
            attempts: 4,
            first_wait: Duration::from_millis(250),
            longest_wait: Duration::from_secs(20),
        }
    }
}

/// A complete answer, whatever its status.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// The whole body, decompressed.
    pub body: Bytes,
    /// From request to last byte, of the last attempt.
    pub elapsed: Duration,
    /// For each piece of the body as it came: how long the body was then, and how long after the request that was.
    pub arrivals: Vec<(usize, Duration)>,
    /// How often was asked.
    pub attempts: u32,
}

impl Answer {
    /// How long after the request the first `end` bytes of the body had come.
    #[must_use]
    pub fn arrived(&self, end: usize) -> Option<Duration> {
        let piece = self.arrivals.iter().find(|(length, _)| *length >= end);
        piece.map(|(_, at)| *at)
    }
}

/// Why there is no answer. Texts hold no address and no header, which may carry secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// The client could not be built.
    #[error("the HTTP client cannot be set up: {0}")]
    Setup(String),
    /// No whole answer in time.
    #[error("{peer} gave no answer within {} ms", limit.as_millis())]
    TimedOut {
        /// Who was asked.
        peer: String,
        /// The limit.
        limit: Duration,
    },
    /// No connection.
    #[error("no connection to {peer}: {why}")]
    Unreachable {
        /// Who was asked.
        peer: String,
        /// The network's word.
        why: String,
    },
    /// The connection broke or spoke no HTTP.
    #[error("{peer} broke off: {why}")]
    Broken {
        /// Who was asked.
        peer: String,
        /// The network's word.
        why: String,
    },
    /// More than the limit.
    #[error("{peer} sent more than {limit} bytes")]
    TooLarge {
        /// Who was asked.
        peer: String,
        /// The limit.
        limit: usize,
    },
}

impl Http {
    /// A client with these limits. The first one in a process installs aws-lc-rs as the crypto provider.
    ///
    /// # Errors
    /// When the system's certificate store cannot be read.
    pub fn new(options: Options) -> Result<Self, HttpError> {
        install_crypto();
        let client = reqwest::Client::builder()
            .connect_timeout(options.connect_timeout)
            .timeout(options.timeout)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("governor/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| HttpError::Setup(cause(&error)))?;
        Ok(Self { client, options })
    }

    /// To begin a request with.
    #[must_use]
    pub fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// One attempt. `peer` names whom we ask in logs and errors.
    ///
    /// # Errors
    /// When no complete answer came; an answer with a bad status is an answer.
    pub async fn once(&self, peer: &str, request: RequestBuilder) -> Result<Answer, HttpError> {
        let started = Instant::now();
        let outcome = self.attempt(peer, request, started).await;
        let duration_ms = started.elapsed().as_millis();
        match &outcome {
            Ok(answer) => {
                tracing::debug!(
                    peer,
                    duration_ms,
                    outcome = answer.status.as_u16(),
                    "outside call"
                );
            }
            Err(error) => tracing::debug!(peer, duration_ms, outcome = %error, "outside call"),
        }
        outcome
    }

    /// Asks until an answer is neither 429 nor 5xx, or the attempts are used up; then the last answer or error is handed on.
    ///
    /// Only for requests that may be made twice.
    ///
    /// # Errors
    /// As [`Http::once`].
    pub async fn with_retries(
        &self,
        peer: &str,
        request: impl Fn() -> RequestBuilder,
    ) -> Result<Answer, HttpError> {
        let attempts = AtomicU32::new(0);
        let longest = self.options.longest_wait;
        let backoff = ExponentialBuilder::default()
            .with_jitter()
            .with_min_delay(self.options.first_wait)
            .with_max_delay(longest)
            .with_max_times(self.options.attempts.saturating_sub(1));
        let outcome = (async || {
            attempts.fetch_add(1, Ordering::Relaxed);
            match self.once(peer, request()).await {
                Ok(answer) if worth_another(answer.status) => Err(Failed::Answer(answer)),
                Ok(answer) => Ok(answer),
                Err(error) => Err(Failed::Error(error)),
            }
        })
        .retry(backoff)
        .when(|failed: &Failed| match failed {
            Failed::Answer(answer) => retry_after(&answer.headers).is_none_or(|wait| wait <= longest),
            Failed::Error(HttpError::TooLarge { .. } | HttpError::Setup(_)) => false,
            Failed::Error(_) => true,
        })
        .adjust(|failed, wait| match failed {
            Failed::Answer(answer) => wait.map(|wait| retry_after(&answer.headers).unwrap_or(wait)),
            Failed::Error(_) => wait,
        })
        .await;
        let attempts = attempts.into_inner();
        match outcome {
            Ok(answer) | Err(Failed::Answer(answer)) => Ok(Answer { attempts, ..answer }),
            Err(Failed::Error(error)) => Err(error),
        }
    }

    async fn attempt(
        &self,
        peer: &str,
        request: RequestBuilder,
        started: Instant,
    ) -> Result<Answer, HttpError> {
        let explain = |error: reqwest::Error| self.explain(peer, &error);
        let response = request.send().await.map_err(explain)?;
        let status = response.status();
        let headers = response.headers().clone();
        let (mut body, mut arrivals) = (BytesMut::new(), Vec::new());
        let mut stream = response.bytes_stream();
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(explain)?;
            if body.len() + chunk.len() > self.options.max_body_bytes {
                return Err(HttpError::TooLarge {
                    peer: peer.to_owned(),
                    limit: self.options.max_body_bytes,
                });
            }
            body.extend_from_slice(&chunk);
            arrivals.push((body.len(), started.elapsed()));
        }
        Ok(Answer {
            status,
            headers,
            body: body.freeze(),
            elapsed: started.elapsed(),
            arrivals,
            attempts: 1,
        })
    }

    fn explain(&self, peer: &str, error: &reqwest::Error) -> HttpError {
        let peer = peer.to_owned();
        if error.is_timeout() {
            return HttpError::TimedOut {
                peer,
                limit: self.options.timeout,
            };
        }
        let why = cause(error);
        if error.is_connect() {
            HttpError::Unreachable { peer, why }
        } else {
            HttpError::Broken { peer, why }
        }
    }
}

enum Failed {
    Answer(Answer),
    Error(HttpError),
}

fn worth_another(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error()
}

/// The wait that an answer asks for: `retry-after-ms`, or `Retry-After` in seconds or as a date against the answer's own `Date`.
#[must_use]
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let seconds = |text: &str| Duration::try_from_secs_f64(text.trim().parse().ok()?).ok();
    if let Some(wait) = text("retry-after-ms").and_then(seconds) {
        return Some(wait / 1000);
    }
    let value = text("retry-after")?;
    if let Some(wait) = seconds(value) {
        return Some(wait);
    }
    let until = DateTime::parse_from_rfc2822(value).ok()?;
    let sent = DateTime::parse_from_rfc2822(text("date")?).ok()?;
    Some((until - sent).to_std().unwrap_or_default())
}

/// The start of a body for a person to read: one line, cut at 200 characters, anything that looks like a key masked.
#[must_use]
pub fn snippet(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(2_000)]);
    let masked: Vec<&str> = text
        .split_whitespace()
        .map(|word| if looks_secret(word) { "[masked]" } else { word })
        .collect();
    let line = masked.join(" ");
    match line.char_indices().nth(200) {
        Some((cut, _)) => format!("{}…", &line[..cut]),
        None => line,
    }
}

/// Keys are long and without spaces, and vendors begin theirs with a mark.
fn looks_secret(word: &str) -> bool {
    let marks = ["sk-", "xoxb-", "xapp-", "Bearer", "AIza", "eyJ"];
    word.len() >= 12 && marks.iter().any(|mark| word.contains(mark))
}

/// The innermost reason, without the address.
fn cause(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(next) = innermost.source() {
        innermost = next;
    }
    if innermost.is::<reqwest::Error>() {
        return "the request failed".to_owned();
    }
    innermost.to_string()
}

fn install_crypto() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // An error means that a provider is installed already, which is what we want.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    http::HeaderName::from_static(name),
                    http::HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    #[test]
    fn a_wait_is_read_in_each_of_its_three_forms() {
        assert_eq!(
            retry_after(&headers(&[("retry-after-ms", "1500")])),
            Some(Duration::from_millis(1500))
        );
        assert_eq!(
            retry_after(&headers(&[("retry-after", "2")])),
            Some(Duration::from_secs(2))
        );
        let date = headers(&[
            ("date", "Tue, 24 Nov 2026 09:00:00 GMT"),
            ("retry-after", "Tue, 24 Nov 2026 09:00:30 GMT"),
        ]);
        assert_eq!(retry_after(&date), Some(Duration::from_secs(30)));
        assert_eq!(retry_after(&headers(&[("retry-after", "soon")])), None);
        assert_eq!(retry_after(&headers(&[("retry-after", "-4")])), None);
    }

    #[test]
    fn what_people_read_of_a_body_is_short_and_holds_no_key() {
        let body = b"Incorrect API key provided:\n  sk-proj-abcdefghijkl. You can find it";
        assert_eq!(
            snippet(body),
            "Incorrect API key provided: [masked] You can find it"
        );
        assert_eq!(snippet("é".repeat(900).as_bytes()).chars().count(), 201);
    }

    #[tokio::test]
    async fn a_closed_port_is_said_without_its_address() {
        let http = Http::new(Options {
            attempts: 2,
            first_wait: Duration::from_millis(1),
            ..Options::default()
        })
        .unwrap();
        let error = http
            .with_retries("the vendor", || http.client().get("http://127.0.0.1:9/?key=hush"))
            .await
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("no connection to the vendor"), "{error}");
        assert!(!error.contains("hush"), "{error}");
    }
}

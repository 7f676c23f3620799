//! The one client: asks a vendor in its protocol, waits as the vendor wishes, and says what an answer means for a run.

use std::time::Duration;

use async_trait::async_trait;
use http::StatusCode;
use reqwest::RequestBuilder;
use serde_json::Value;
use workflow_engine::{
    ports::model::{Completion, ModelClient, ModelError, ReplayInput},
    values::Hop,
};

use super::{
    answer::error_message,
    conversation,
    sse::{self, Event},
};
use crate::http::{Answer, Http, HttpError, retry_after, snippet};

/// How a vendor wants to be asked and answers. Pure but for the signing of a request.
pub trait Protocol: Send + Sync {
    /// The request for the next turn of `input`, streamed if the vendor can and `streamed` asks for it.
    ///
    /// # Errors
    /// [`ModelError::Refused`] when this vendor cannot be shown the turn, [`ModelError::Permanent`] when the settings
    /// do not allow to ask at all.
    fn request(&self, ask: &Ask<'_>) -> Result<RequestBuilder, ModelError>;

    /// Reads a whole answer; the error says in one sentence what could not be read.
    ///
    /// # Errors
    /// That sentence.
    fn completion(&self, model: &str, body: &[u8]) -> Result<Completion, String>;

    /// A streamed answer put together as if it had come whole, and the end of the first event with content in it;
    /// none where the vendor is never asked to stream.
    fn whole(&self, events: &[Event<'_>]) -> Option<Gathered> {
        let _ = events;
        None
    }

    /// Whether a 429 means that the account is used up, which does not pass by itself.
    fn out_of_quota(&self, body: &[u8]) -> bool {
        let _ = body;
        false
    }
}

/// What is asked for.
#[derive(Debug)]
pub struct Ask<'run> {
    /// To begin the request with.
    pub http: &'run reqwest::Client,
    /// The model.
    pub hop: &'run Hop,
    /// The turn.
    pub input: &'run ReplayInput,
    /// Whether the recorded call was streamed.
    pub streamed: bool,
}

/// A streamed answer put together.
#[derive(Debug)]
pub struct Gathered {
    /// As the vendor would have sent it whole.
    pub body: Value,
    /// Bytes of the stream up to the end of the first event with content; none when nothing was said.
    pub first: Option<usize>,
}

/// A vendor's endpoint. Time-outs and attempts are those of its `http`.
#[derive(Clone, Debug)]
pub struct Client<P> {
    http: Http,
    /// Shown in logs and errors.
    name: String,
    protocol: P,
}

impl<P> Client<P> {
    /// A client of `protocol`, called `name` in logs and errors.
    #[must_use]
    pub fn new(http: Http, name: String, protocol: P) -> Self {
        Self { http, name, protocol }
    }
}

#[async_trait]
impl<P: Protocol> ModelClient for Client<P> {
    async fn complete(&self, hop: &Hop, input: &ReplayInput) -> Result<Completion, ModelError> {
        let streamed = conversation::streamed(hop, input);
        let http = self.http.client();
        let request = self.protocol.request(&Ask {
            http,
            hop,
            input,
            streamed,
        })?;
        // Bodies are bytes, so a request can always be made once more.
        let again = || {
            request
                .try_clone()
                .unwrap_or_else(|| http.get("http://127.0.0.1:9"))
        };
        let answer = self
            .http
            .with_retries(&self.name, again)
            .await
            .map_err(no_answer)?;
        if !answer.status.is_success() {
            return Err(self.refusal(&hop.model, &answer));
        }
        let streams = answer
            .headers
            .get(http::header::CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
        let (read, ttft) = if streams {
            self.streamed(&hop.model, &answer)
        } else {
            self.protocol
                .completion(&hop.model, &answer.body)
                .map(|read| (read, None))
        }
        .map_err(ModelError::Unreadable)?;
        Ok(Completion {
            latency: answer.elapsed,
            processing: processing(&answer).or(read.processing),
            attempts: answer.attempts,
            ttft,
            ..read
        })
    }
}

impl<P: Protocol> Client<P> {
    fn streamed(&self, model: &str, answer: &Answer) -> Result<(Completion, Option<Duration>), String> {
        let text = std::str::from_utf8(&answer.body).map_err(|_| "the stream is no UTF-8 text".to_owned())?;
        let gathered = self.protocol.whole(&sse::events(text));
        let gathered = gathered.ok_or("the answer came streamed though that was not asked for")?;
        let ttft = gathered.first.and_then(|end| answer.arrived(end));
        let whole = gathered.body.to_string();
        Ok((self.protocol.completion(model, whole.as_bytes())?, ttft))
    }

    /// What a status other than success means for the run.
    fn refusal(&self, model: &str, answer: &Answer) -> ModelError {
        let said = error_message(&answer.body).unwrap_or_else(|| snippet(&answer.body));
        let said = said.trim_end_matches('.');
        let why = format!(
            "{} answered {} to {model}: {said}",
            self.name,
            answer.status.as_u16()
        );
        let permanent = |remedy: &str| ModelError::Permanent {
            why: why.clone(),
            remedy: remedy.to_owned(),
        };
        match answer.status {
            StatusCode::UNAUTHORIZED => permanent("Check the vendor's API key in the configuration"),
            StatusCode::PAYMENT_REQUIRED => {
                permanent("The vendor wants to be paid: check the account's billing")
            }
            StatusCode::FORBIDDEN => {
                permanent("The key may not use this model: ask the vendor's administrator")
            }
            StatusCode::NOT_FOUND => {
                permanent("Check the model's name and the vendor's address in the catalog")
            }
            StatusCode::TOO_MANY_REQUESTS if self.protocol.out_of_quota(&answer.body) => {
                permanent("The account's quota is used up: raise it, then run the test again")
            }
            status if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() => {
                ModelError::Retry {
                    after: retry_after(&answer.headers),
                    why,
                }
            }
            status if status.is_redirection() => {
                permanent("The address redirects: set the final one in the configuration")
            }
            _ => ModelError::Refused(why),
        }
    }
}

/// What OpenAI says the answer took inside.
fn processing(answer: &Answer) -> Option<Duration> {
    let text = answer.headers.get("openai-processing-ms")?.to_str().ok()?;
    let millis: f64 = text.trim().parse().ok()?;
    Duration::try_from_secs_f64(millis / 1000.0).ok()
}

fn no_answer(error: HttpError) -> ModelError {
    match error {
        HttpError::TooLarge { .. } => ModelError::Unreadable(error.to_string()),
        HttpError::Setup(_) => ModelError::Permanent {
            why: error.to_string(),
            remedy: "Check the system's certificate store".to_owned(),
        },
        _ => ModelError::Retry {
            after: None,
            why: error.to_string(),
        },
    }
}

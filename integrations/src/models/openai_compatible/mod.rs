//! Chat completions in OpenAI's protocol, as OpenAI, Azure, Anthropic, LiteLLM, vLLM and most others serve it.

#[cfg(feature = "fakes")]
pub mod fake;
mod wire;

use std::time::Duration;

use async_trait::async_trait;
use http::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use workflow_engine::{
    ports::model::{Completion, ModelClient, ModelError, ReplayInput},
    values::Hop,
};

use crate::http::{Answer, Http, HttpError, retry_after, snippet};

/// A vendor's endpoint.
#[derive(Debug)]
pub struct Client {
    http: Http,
    config: Config,
}

/// Where a vendor is and how it knows us.
#[derive(Clone, Debug)]
pub struct Config {
    /// Shown in logs and errors (`openai`).
    pub name: String,
    /// Up to and with `/v1`.
    pub base_url: String,
    /// Sent as a bearer token.
    pub api_key: SecretString,
}

impl Client {
    /// A client of that endpoint. Time-outs and attempts are those of `http`.
    #[must_use]
    pub fn new(http: Http, config: Config) -> Self {
        Self { http, config }
    }
}

#[async_trait]
impl ModelClient for Client {
    async fn complete(&self, hop: &Hop, input: &ReplayInput) -> Result<Completion, ModelError> {
        let body = wire::request(hop, input);
        let url = format!("{}/chat/completions", self.config.base_url.trim_end_matches('/'));
        let answer = self
            .http
            .with_retries(&self.config.name, || {
                self.http
                    .client()
                    .post(&url)
                    .bearer_auth(self.config.api_key.expose_secret())
                    .json(&body)
            })
            .await
            .map_err(no_answer)?;
        if answer.status.is_success() {
            return completion(&hop.model, &answer);
        }
        Err(refusal(&self.config.name, &hop.model, &answer))
    }
}

fn completion(asked: &str, answer: &Answer) -> Result<Completion, ModelError> {
    let read = wire::completion(asked, &answer.body).map_err(ModelError::Unreadable)?;
    Ok(Completion {
        latency: answer.elapsed,
        processing: processing(answer),
        attempts: answer.attempts,
        ..read
    })
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

/// What a status other than success means for the run.
fn refusal(vendor: &str, model: &str, answer: &Answer) -> ModelError {
    let said = wire::error_message(&answer.body).unwrap_or_else(|| snippet(&answer.body));
    let said = said.trim_end_matches('.');
    let why = format!("{vendor} answered {} to {model}: {said}", answer.status.as_u16());
    let permanent = |remedy: &str| ModelError::Permanent {
        why: why.clone(),
        remedy: remedy.to_owned(),
    };
    match answer.status {
        StatusCode::UNAUTHORIZED => permanent("Check the vendor's API key in the configuration"),
        StatusCode::PAYMENT_REQUIRED => permanent("The vendor wants to be paid: check the account's billing"),
        StatusCode::FORBIDDEN => permanent("The key may not use this model: ask the vendor's administrator"),
        StatusCode::NOT_FOUND => permanent("Check the model's name and the vendor's address in the catalog"),
        StatusCode::TOO_MANY_REQUESTS if wire::out_of_quota(&answer.body) => {
            permanent("The account's quota is used up: raise it, then run the test again")
        }
        status if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() => ModelError::Retry {
            after: retry_after(&answer.headers),
            why,
        },
        status if status.is_redirection() => {
            permanent("The address redirects: set the final one in the configuration")
        }
        _ => ModelError::Refused(why),
    }
}

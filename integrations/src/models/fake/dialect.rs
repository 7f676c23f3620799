//! What a stand-in must know of a vendor: where it is asked, how it knows callers, how it answers and refuses.

use axum::{http::HeaderMap, response::Response};
use serde_json::Value;

use super::{Fault, Scripted};

/// A vendor's dialect.
pub trait Dialect: Send + Sync {
    /// What follows the host in the address that clients are given.
    fn base(&self) -> &'static str;

    /// Whether the caller has `key`.
    fn knows(&self, headers: &HeaderMap, key: &str) -> bool;

    /// What is asked at this decoded path; none where this vendor has nothing.
    fn hears(&self, path: &str, body: &Value) -> Option<Heard>;

    /// The answer, whole.
    fn reply(&self, model: &str, number: u64, scripted: &Scripted) -> Value;

    /// Does to an answer what `fault` says, where it is about the answer.
    fn damage(&self, reply: &mut Value, fault: Fault);

    /// The same answer as this vendor streams it; none where it cannot.
    fn stream(&self, reply: &Value) -> Option<String>;

    /// A refusal in this vendor's words.
    fn error(&self, refusal: Refusal) -> Response;
}

/// A request as far as the stand-in understands it.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    /// The model.
    pub model: String,
    /// The conversation, as `role` and `content`.
    pub messages: Value,
    /// The tools; null for none.
    pub tools: Value,
    /// Whether the answer shall be streamed.
    pub streamed: bool,
    /// What the vendor would not take in it.
    pub wrong: Option<String>,
}

/// Why a stand-in does not answer.
#[derive(Clone, Debug)]
pub enum Refusal {
    /// A wrong key.
    Key,
    /// Nothing is at that path.
    Path,
    /// No such model.
    Model(String),
    /// The request is not as it must be.
    Malformed(String),
    /// Longer than so many tokens.
    TooLong(usize),
    /// Too many requests.
    Pace,
    /// The account is used up.
    Quota,
    /// A bare status.
    Trouble(u16),
}

impl Refusal {
    /// The status that vendors agree on, and a sentence.
    #[must_use]
    pub fn told(&self) -> (u16, String) {
        match self {
            Self::Key => (401, "Incorrect API key provided.".to_owned()),
            Self::Path => (404, "There is nothing at this address.".to_owned()),
            Self::Model(model) => (
                404,
                format!("The model `{model}` does not exist or you do not have access to it."),
            ),
            Self::Malformed(what) => (400, what.clone()),
            Self::TooLong(most) => (
                400,
                format!("This model's maximum context length is {most} tokens."),
            ),
            Self::Pace => (429, "Rate limit reached.".to_owned()),
            Self::Quota => (429, "You exceeded your current quota.".to_owned()),
            Self::Trouble(status) => (
                *status,
                "The server had an error while processing your request.".to_owned(),
            ),
        }
    }
}

/// A stream of events that are called by their `type`.
pub(in crate::models) fn named_events(events: &[Value]) -> String {
    let told = |event: &Value| {
        format!(
            "event: {}\ndata: {event}\n\n",
            event["type"].as_str().unwrap_or_default()
        )
    };
    events.iter().map(told).collect()
}

//! Anthropic's Messages API.

#[cfg(feature = "fakes")]
pub mod fake;
mod stream;
mod wire;

use reqwest::RequestBuilder;
use secrecy::{ExposeSecret, SecretString};
use workflow_engine::ports::model::{Completion, ModelError};

use super::{
    client::{Ask, Gathered, Protocol},
    conversation::Conversation,
    sse::Event,
};

/// The version of the API that this folder speaks.
const VERSION: &str = "2023-06-01";

/// The protocol at one address.
#[derive(Clone, Debug)]
pub struct Messages {
    /// Up to and with `/v1`.
    pub base_url: String,
    /// The vendor's key.
    pub api_key: SecretString,
}

impl Protocol for Messages {
    fn request(&self, ask: &Ask<'_>) -> Result<RequestBuilder, ModelError> {
        let turn = Conversation::read("anthropic", ask.hop, ask.input)?;
        let url = format!("{}/messages", self.base_url.trim_end_matches('/'));
        let post = ask.http.post(url).header("anthropic-version", VERSION);
        let post = post.header("x-api-key", self.api_key.expose_secret());
        Ok(post.json(&wire::request(&ask.hop.model, turn, ask.streamed)))
    }

    fn completion(&self, model: &str, body: &[u8]) -> Result<Completion, String> {
        wire::completion(model, body)
    }

    fn whole(&self, events: &[Event<'_>]) -> Option<Gathered> {
        Some(stream::whole(events))
    }
}

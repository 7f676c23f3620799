//! OpenAI's Responses API.

#[cfg(feature = "fakes")]
pub mod fake;
mod wire;

use reqwest::RequestBuilder;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use workflow_engine::ports::model::{Completion, ModelError};

use super::{
    answer::out_of_quota,
    client::{Ask, Gathered, Protocol},
    conversation::Conversation,
    sse::Event,
};

/// The protocol at one address.
#[derive(Clone, Debug)]
pub struct Responses {
    /// Up to and with `/v1`.
    pub base_url: String,
    /// The vendor's key.
    pub api_key: SecretString,
}

impl Protocol for Responses {
    fn request(&self, ask: &Ask<'_>) -> Result<RequestBuilder, ModelError> {
        let turn = Conversation::read("openai responses", ask.hop, ask.input)?;
        let url = format!("{}/responses", self.base_url.trim_end_matches('/'));
        let mut body = wire::request(&ask.hop.model, turn);
        if ask.streamed {
            body["stream"] = json!(true);
        }
        Ok(ask
            .http
            .post(url)
            .bearer_auth(self.api_key.expose_secret())
            .json(&body))
    }

    fn completion(&self, model: &str, body: &[u8]) -> Result<Completion, String> {
        wire::completion(model, body)
    }

    fn whole(&self, events: &[Event<'_>]) -> Option<Gathered> {
        Some(wire::whole(events))
    }

    fn out_of_quota(&self, body: &[u8]) -> bool {
        out_of_quota(body)
    }
}

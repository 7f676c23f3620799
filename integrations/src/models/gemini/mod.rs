//! Google's generateContent: the Gemini API with a key, or Vertex AI with an access token.

#[cfg(feature = "fakes")]
pub mod fake;
mod wire;

use reqwest::RequestBuilder;
use secrecy::{ExposeSecret, SecretString};
use workflow_engine::ports::model::{Completion, ModelError};

use super::{
    client::{Ask, Gathered, Protocol},
    conversation::Conversation,
    sse::Event,
};

/// The protocol at one address.
#[derive(Clone, Debug)]
pub struct Generate {
    /// Up to `/models`: `https://generativelanguage.googleapis.com/v1beta`, or on Vertex
    /// `https://REGION-aiplatform.googleapis.com/v1/projects/PROJECT/locations/REGION/publishers/google`.
    pub base_url: String,
    /// An API key, or on Vertex an access token.
    pub api_key: SecretString,
    /// Which of the two.
    pub door: Door,
}

/// How Google knows us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// The Gemini API: `x-goog-api-key`.
    Gemini,
    /// Vertex AI: a bearer token.
    Vertex,
}

impl Protocol for Generate {
    fn request(&self, ask: &Ask<'_>) -> Result<RequestBuilder, ModelError> {
        let turn = Conversation::read("gemini", ask.hop, ask.input)?;
        let (base, model) = (self.base_url.trim_end_matches('/'), &ask.hop.model);
        let verb = if ask.streamed {
            "streamGenerateContent?alt=sse"
        } else {
            "generateContent"
        };
        let post = ask.http.post(format!("{base}/models/{model}:{verb}"));
        let key = self.api_key.expose_secret();
        let post = match self.door {
            Door::Gemini => post.header("x-goog-api-key", key),
            Door::Vertex => post.bearer_auth(key),
        };
        Ok(post.json(&wire::request(turn)))
    }

    fn completion(&self, model: &str, body: &[u8]) -> Result<Completion, String> {
        wire::completion(model, body)
    }

    fn whole(&self, events: &[Event<'_>]) -> Option<Gathered> {
        Some(wire::whole(events))
    }
}

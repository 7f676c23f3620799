//! Chat completions in OpenAI's protocol, as OpenAI, Azure, LiteLLM, vLLM, Mistral, Groq and most others serve it.

#[cfg(feature = "fakes")]
pub mod fake;
mod stream;
mod wire;

use reqwest::RequestBuilder;
use secrecy::{ExposeSecret, SecretString};
use workflow_engine::ports::model::{Completion, ModelError};

use super::{
    answer::out_of_quota,
    client::{Ask, Gathered, Protocol},
    sse::Event,
};

/// The protocol at one address.
#[derive(Clone, Debug)]
pub struct Chat {
    /// Up to and with `/v1`; for Azure the resource's address (`https://NAME.openai.azure.com`).
    pub base_url: String,
    /// The vendor's key.
    pub api_key: SecretString,
    /// Whose habits it has.
    pub house: House,
}

/// Habits in which the servers of one protocol differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum House {
    /// `/chat/completions`, the key as a bearer token.
    #[default]
    OpenAi,
    /// `/openai/v1/chat/completions`, the key as `api-key`; the hop's deployment is the model. Source: Azure OpenAI in
    /// Foundry Models, "v1 API" (generally available since August 2025).
    Azure,
}

impl Protocol for Chat {
    fn request(&self, ask: &Ask<'_>) -> Result<RequestBuilder, ModelError> {
        let base = self.base_url.trim_end_matches('/');
        let mut body = wire::request(ask.hop, ask.input, ask.streamed);
        let key = self.api_key.expose_secret();
        Ok(match self.house {
            House::OpenAi => ask.http.post(format!("{base}/chat/completions")).bearer_auth(key),
            House::Azure => {
                if let Some(deployment) = &ask.hop.deployment {
                    body["model"] = deployment.clone().into();
                }
                let url = format!("{base}/openai/v1/chat/completions");
                ask.http.post(url).header("api-key", key)
            }
        }
        .json(&body))
    }

    fn completion(&self, model: &str, body: &[u8]) -> Result<Completion, String> {
        wire::completion(model, body)
    }

    fn whole(&self, events: &[Event<'_>]) -> Option<Gathered> {
        Some(stream::whole(events))
    }

    fn out_of_quota(&self, body: &[u8]) -> bool {
        out_of_quota(body)
    }
}

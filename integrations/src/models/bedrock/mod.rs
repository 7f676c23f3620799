//! Amazon Bedrock's Converse, signed with AWS Signature Version 4 or with a Bedrock API key. Never streamed: AWS frames
//! its streams in a binary form, and says itself how long the model took.

#[cfg(feature = "fakes")]
pub mod fake;
mod sign;
mod wire;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::RequestBuilder;
use secrecy::{ExposeSecret, SecretString};
use workflow_engine::ports::model::{Completion, ModelError};

use super::{
    client::{Ask, Protocol},
    conversation::Conversation,
};

/// The protocol at one address.
#[derive(Clone, Debug)]
pub struct Converse {
    /// `https://bedrock-runtime.REGION.amazonaws.com`.
    pub base_url: String,
    /// How AWS knows us.
    pub access: Access,
}

/// How AWS knows us.
#[derive(Clone, Debug)]
pub enum Access {
    /// A Bedrock API key, sent as a bearer token.
    ApiKey(SecretString),
    /// An access key, which signs every request.
    Signed(Keys),
}

/// An AWS access key.
#[derive(Clone, Debug)]
pub struct Keys {
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: SecretString,
    /// The token of a temporary one.
    pub session: Option<SecretString>,
    /// The region that requests are signed for.
    pub region: String,
}

impl Protocol for Converse {
    fn request(&self, ask: &Ask<'_>) -> Result<RequestBuilder, ModelError> {
        let turn = Conversation::read("bedrock", ask.hop, ask.input)?;
        // The id of a model has colons, the ARN of a profile slashes.
        let model = utf8_percent_encode(&ask.hop.model, NON_ALPHANUMERIC);
        let url = format!("{}/model/{model}/converse", self.base_url.trim_end_matches('/'));
        let body = wire::request(turn).to_string();
        let post = ask.http.post(&url).header("content-type", "application/json");
        let post = match &self.access {
            Access::ApiKey(key) => post.bearer_auth(key.expose_secret()),
            Access::Signed(keys) => sign::signed(post, keys, &url, body.as_bytes())?,
        };
        Ok(post.body(body))
    }

    fn completion(&self, _: &str, body: &[u8]) -> Result<Completion, String> {
        wire::completion(body)
    }
}

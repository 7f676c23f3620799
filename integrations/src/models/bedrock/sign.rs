//! AWS Signature Version 4 on a request.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use reqwest::RequestBuilder;
use secrecy::ExposeSecret;
use workflow_engine::ports::model::ModelError;

use super::Keys;

/// The request with its signature; good for five minutes, which is longer than its attempts take.
pub(super) fn signed(
    post: RequestBuilder,
    keys: &Keys,
    url: &str,
    body: &[u8],
) -> Result<RequestBuilder, ModelError> {
    let headers = headers(keys, url, body).map_err(|why| ModelError::Permanent {
        why: format!("a request to bedrock cannot be signed: {why}"),
        remedy: "Check base_url, region and access_key_id of the vendor in the configuration".to_owned(),
    })?;
    let add = |post: RequestBuilder, (name, value): (String, String)| post.header(name, value);
    Ok(headers.into_iter().fold(post, add))
}

#[expect(
    clippy::disallowed_methods,
    reason = "AWS takes no signature that is five minutes off: only the machine's own time will do"
)]
fn headers(keys: &Keys, url: &str, body: &[u8]) -> Result<Vec<(String, String)>, String> {
    let session = keys
        .session
        .as_ref()
        .map(|token| token.expose_secret().to_owned());
    let secret = keys.secret.expose_secret();
    let identity = Credentials::new(&keys.id, secret, session, None, "governor").into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(&keys.region)
        .name("bedrock")
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| error.to_string())?
        .into();
    let content_type = ("content-type", "application/json");
    let request = SignableRequest::new(
        "POST",
        url,
        std::iter::once(content_type),
        SignableBody::Bytes(body),
    )
    .map_err(|error| error.to_string())?;
    let (instructions, _) = sign(request, &parameters)
        .map_err(|error| error.to_string())?
        .into_parts();
    let headers = instructions
        .headers()
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    Ok(headers.collect())
}

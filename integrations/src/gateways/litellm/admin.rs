//! LiteLLM's admin API: each call one function, each refusal one plain sentence with what to do.

use http::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use workflow_engine::ports::gateway::GatewayError;

use super::wire::{Deployment, ModelInfo, RouterSettings};
use crate::http::{Answer, Http, HttpError, retry_after, snippet};

#[derive(Debug)]
pub(super) struct Admin {
    http: Http,
    name: String,
    url: String,
    key: SecretString,
}

impl Admin {
    pub(super) fn new(http: Http, name: String, url: &str, key: SecretString) -> Self {
        Self {
            http,
            name,
            url: url.trim_end_matches('/').to_owned(),
            key,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Every deployment of every alias.
    pub(super) async fn deployments(&self) -> Result<Vec<Deployment>, GatewayError> {
        let info: ModelInfo = self.read("/model/info").await?;
        Ok(info.data)
    }

    /// Names of the fallback groups of `alias`.
    pub(super) async fn fallbacks(&self, alias: &str) -> Result<Vec<String>, GatewayError> {
        let settings: RouterSettings = self.read("/router/settings").await?;
        Ok(settings.fallbacks(alias))
    }

    pub(super) async fn add(&self, deployment: &Deployment) -> Result<(), GatewayError> {
        self.write(Method::POST, "/model/new", Some(json!(deployment)))
            .await
    }

    pub(super) async fn update(&self, deployment: &Deployment) -> Result<(), GatewayError> {
        let path = format!("/model/{}/update", deployment.id());
        self.write(Method::PATCH, &path, Some(json!(deployment))).await
    }

    /// One that is gone already is no trouble: whoever applied a later route may have taken it away.
    pub(super) async fn delete(&self, id: &str) -> Result<(), GatewayError> {
        let deleted = self.write(Method::POST, "/model/delete", Some(json!({"id": id})));
        match deleted.await {
            Err(GatewayError::Refused { why, .. }) if why.contains("not found in db") => Ok(()),
            deleted => deleted,
        }
    }

    /// An empty list takes the entry away.
    pub(super) async fn set_fallbacks(&self, alias: &str, names: &[String]) -> Result<(), GatewayError> {
        if names.is_empty() {
            return self
                .write(Method::DELETE, &format!("/fallback/{alias}"), None)
                .await;
        }
        let body = json!({"model": alias, "fallback_models": names, "fallback_type": "general"});
        self.write(Method::POST, "/fallback", Some(body)).await
    }

    async fn read<T: DeserializeOwned>(&self, path: &str) -> Result<T, GatewayError> {
        let answer = self
            .http
            .with_retries(&self.name, || self.request(Method::GET, path))
            .await
            .map_err(|error| self.unreachable(&error))?;
        if !answer.status.is_success() {
            return Err(self.refused(path, &answer));
        }
        serde_json::from_slice(&answer.body).map_err(|error| GatewayError::Refused {
            gateway: self.name.clone(),
            why: format!("the answer of {path} is none of LiteLLM's ({error})"),
            remedy: "Check that the address is the proxy's own, without a path".to_owned(),
        })
    }

    /// Asked once: a write that may have happened is looked at again before it is repeated.
    async fn write(&self, method: Method, path: &str, body: Option<Value>) -> Result<(), GatewayError> {
        let request = self.request(method, path);
        let request = match &body {
            Some(body) => request.json(body),
            None => request,
        };
        let answer = self
            .http
            .once(&self.name, request)
            .await
            .map_err(|error| self.unreachable(&error))?;
        if answer.status.is_success() {
            return Ok(());
        }
        Err(self.refused(path, &answer))
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let url = format!("{}{path}", self.url);
        self.http
            .client()
            .request(method, url)
            .bearer_auth(self.key.expose_secret())
    }

    fn unreachable(&self, error: &HttpError) -> GatewayError {
        GatewayError::Unavailable {
            gateway: self.name.clone(),
            why: error.to_string(),
            after: None,
        }
    }

    fn refused(&self, path: &str, answer: &Answer) -> GatewayError {
        let said = message(&answer.body);
        let refused = |why: String, remedy: &str| GatewayError::Refused {
            gateway: self.name.clone(),
            why,
            remedy: remedy.to_owned(),
        };
        if needs_database(&said) {
            return refused(
                "it keeps its models in config.yaml only".to_owned(),
                "Start LiteLLM with a database and STORE_MODEL_IN_DB=True, or merge the patch by hand",
            );
        }
        match answer.status {
            StatusCode::UNAUTHORIZED => refused(
                "the admin key is not accepted".to_owned(),
                "Set gateways.<id>.admin_key to a master or proxy-admin key",
            ),
            StatusCode::FORBIDDEN => refused(
                format!("the key may not use {path}"),
                "Give the key the role proxy_admin, or proxy_admin_viewer if it is only to read",
            ),
            StatusCode::NOT_FOUND => refused(
                format!("{path} is not there: {said}"),
                "Check the address, and that this LiteLLM has that endpoint",
            ),
            status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                GatewayError::Unavailable {
                    gateway: self.name.clone(),
                    why: format!("{path} answered {}: {said}", status.as_u16()),
                    after: retry_after(&answer.headers),
                }
            }
            status => refused(
                format!("{path} answered {}: {said}", status.as_u16()),
                "Look at the proxy's log for the same request",
            ),
        }
    }
}

/// LiteLLM wraps its sentence in `error.message`, `detail.error`, or a Python dict inside the first.
fn message(body: &[u8]) -> String {
    let parsed: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = ["/error/message", "/detail/error", "/detail", "/error"]
        .iter()
        .find_map(|pointer| parsed.pointer(pointer)?.as_str());
    match text {
        Some(text) => snippet(text.as_bytes()),
        None => snippet(body),
    }
}

/// The ways in which LiteLLM says that it has no database, or may not keep models in it.
fn needs_database(said: &str) -> bool {
    [
        "STORE_MODEL_IN_DB",
        "No DB Connected",
        "DB not connected",
        "Database storage not enabled",
    ]
    .iter()
    .any(|sign| said.contains(sign))
}

//! A stand-in LiteLLM proxy on loopback: an admin API that refuses what the real one refuses, chat completions by alias
//! to a (stand-in) vendor, and the `generic_api` callback that reports every attempt.

mod admin;
mod chat;
pub mod payload;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Json, Router,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, patch, post},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::Semaphore, task::JoinHandle};
use workflow_engine::ports::clock::Clock;

use super::wire::Deployment;
use crate::http::{Http, Options};

/// A running stand-in; gone when dropped.
#[derive(Debug)]
pub struct FakeLiteLlm {
    url: String,
    inner: Arc<Inner>,
    tasks: Vec<JoinHandle<()>>,
}

/// How a stand-in is set up.
pub struct Setup {
    /// Opens the admin API and chat.
    pub master_key: String,
    /// Whether it keeps models in a database (`STORE_MODEL_IN_DB`); without, its admin API only reads.
    pub database: bool,
    /// `model_list` of its config file, as JSON.
    pub model_list: Value,
    /// `router_settings.fallbacks` of its config file, as JSON.
    pub fallbacks: Value,
    /// What `os.environ/NAME` stands for.
    pub environment: BTreeMap<String, String>,
    /// Where the callback sends to, and the bearer token for it.
    pub callback: Option<(String, String)>,
    /// How often the callback sends; the real one every 5 seconds.
    pub flush_every: Duration,
    /// List prices in USD per token (input, output) by model, for `response_cost`.
    pub prices: BTreeMap<String, (f64, f64)>,
    /// Time and ids.
    pub clock: Arc<dyn Clock>,
}

struct Inner {
    setup: Setup,
    http: Http,
    state: Mutex<State>,
    // A new deployment that is held waits for `go`, and says so by `held`.
    held: Semaphore,
    go: Semaphore,
}

#[derive(Default)]
struct State {
    deployments: Vec<Held>,
    fallbacks: Vec<(String, Vec<String>)>,
    writes: Vec<String>,
    reports: Vec<Value>,
    turn: usize,
    fail_writes: usize,
    hold: bool,
    frozen: bool,
}

/// A deployment and whether it came from the config file.
#[derive(Clone)]
struct Held {
    deployment: Deployment,
    database: bool,
}

impl FakeLiteLlm {
    /// Starts on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When no port can be opened, or the setup is none of LiteLLM's.
    pub async fn start(setup: Setup) -> std::io::Result<Self> {
        let state = admin::from_config(&setup).map_err(std::io::Error::other)?;
        let http = Http::new(Options {
            attempts: 1,
            ..Options::default()
        })
        .map_err(std::io::Error::other)?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let inner = Arc::new(Inner {
            setup,
            http,
            state: Mutex::new(state),
            held: Semaphore::new(0),
            go: Semaphore::new(0),
        });
        let app = router(Arc::clone(&inner));
        let server = tokio::spawn(async move {
            // Ends with the task; an accept error of a stand-in is of no interest.
            let _ = axum::serve(listener, app).await;
        });
        let reporter = tokio::spawn(report_forever(Arc::clone(&inner)));
        Ok(Self {
            url,
            inner,
            tasks: vec![server, reporter],
        })
    }

    /// Its address, without a path.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Every admin write that was carried out, as `POST /model/new governor-…`.
    #[must_use]
    pub fn writes(&self) -> Vec<String> {
        self.inner.state().writes.clone()
    }

    /// The next `times` admin writes break off with 500.
    pub fn fail_next_writes(&self, times: usize) {
        self.inner.state().fail_writes = times;
    }

    /// The next new deployment is held on its way until [`Self::let_go`].
    pub fn hold_next_new(&self) {
        self.inner.state().hold = true;
    }

    /// Waits until one is held.
    pub async fn until_held(&self) {
        if let Ok(held) = self.inner.held.acquire().await {
            held.forget();
        }
    }

    /// Lets it arrive.
    pub fn let_go(&self) {
        self.inner.go.add_permits(1);
    }

    /// From now on admin writes are answered 200 and not carried out: a proxy whose database and memory differ.
    pub fn freeze(&self) {
        self.inner.state().frozen = true;
    }

    /// Sends what waits to the callback now; says how many rows were delivered.
    ///
    /// Like the real callback it forgets rows that could not be delivered.
    pub async fn flush(&self) -> usize {
        report(&self.inner).await
    }
}

impl Drop for FakeLiteLlm {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

fn router(inner: Arc<Inner>) -> Router {
    Router::new()
        .route("/health/liveliness", get(|| async { "I'm alive!" }))
        .route("/model/info", get(admin::model_info))
        .route("/v1/model/info", get(admin::model_info))
        .route("/router/settings", get(admin::router_settings))
        .route("/model/new", post(admin::new))
        .route("/model/delete", post(admin::delete))
        .route("/model/{id}/update", patch(admin::update))
        .route("/fallback", post(admin::set_fallback))
        .route(
            "/fallback/{model}",
            get(admin::fallback).delete(admin::delete_fallback),
        )
        .route("/v1/chat/completions", post(chat::completions))
        .route("/chat/completions", post(chat::completions))
        .with_state(inner)
}

impl Inner {
    /// Waits where a test has asked for it.
    async fn hold(&self) {
        if !std::mem::take(&mut self.state().hold) {
            return;
        }
        self.held.add_permits(1);
        if let Ok(go) = self.go.acquire().await {
            go.forget();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// LiteLLM's own refusal of a wrong key.
    #[expect(
        clippy::result_large_err,
        reason = "a refusal is a whole response, made once for each refused request"
    )]
    fn authorised(&self, headers: &HeaderMap) -> Result<(), Response> {
        let expected = format!("Bearer {}", self.setup.master_key);
        if headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes) == Some(expected.as_bytes()) {
            return Ok(());
        }
        Err(error(
            StatusCode::UNAUTHORIZED,
            "Authentication Error, Invalid proxy server token passed.",
            "auth_error",
        ))
    }

    /// A value of `litellm_params`, with `os.environ/NAME` replaced.
    fn resolve(&self, value: &Value) -> Option<String> {
        let text = value.as_str()?;
        match text.strip_prefix("os.environ/") {
            Some(name) => self.setup.environment.get(name).cloned(),
            None => Some(text.to_owned()),
        }
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner")
            .field("database", &self.setup.database)
            .finish_non_exhaustive()
    }
}

/// The proxy's own error object.
fn error(status: StatusCode, message: &str, kind: &str) -> Response {
    let code = status.as_u16().to_string();
    let body = json!({"error": {"message": message, "type": kind, "param": "None", "code": code}});
    (status, Json(body)).into_response()
}

async fn report_forever(inner: Arc<Inner>) {
    loop {
        tokio::time::sleep(inner.setup.flush_every).await;
        report(&inner).await;
    }
}

/// One batch as a JSON array.
async fn report(inner: &Inner) -> usize {
    let rows = std::mem::take(&mut inner.state().reports);
    let Some((url, token)) = inner.setup.callback.as_ref().filter(|_| !rows.is_empty()) else {
        return 0;
    };
    let request = inner.http.client().post(url).bearer_auth(token).json(&rows);
    match inner.http.once("callback", request).await {
        Ok(answer) if answer.status.is_success() => rows.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests;

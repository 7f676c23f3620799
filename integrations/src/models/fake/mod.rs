//! A stand-in vendor on loopback: speaks one vendor's dialect, refuses what that vendor refuses, counts every prompt it was shown.

mod dialect;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::{Html, IntoResponse, Response},
    routing::post,
};
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};
use workflow_engine::ports::model::ToolCall;

pub(super) use dialect::named_events;
pub use dialect::{Dialect, Heard, Refusal};

use super::openai_compatible::fake::ChatCompletions;

/// A running stand-in; gone when dropped.
#[derive(Debug)]
pub struct FakeVendor {
    base_url: String,
    inner: Arc<Inner>,
    server: JoinHandle<()>,
}

/// What a stand-in knows.
pub struct Setup {
    /// The only key it takes.
    pub api_key: String,
    /// Models it has; others are 404.
    pub models: Vec<String>,
    /// Longest prompt, in tokens of about four characters.
    pub context_tokens: usize,
    /// What it answers; a prompt that gets none is answered with a short text.
    pub answers: Answers,
    /// How much of an answer's latency is really waited; 0 answers at once. `openai-processing-ms` always tells the whole.
    pub latency_scale: f64,
}

/// From what was asked to what is answered.
pub type Answers = Arc<dyn Fn(&Asked<'_>) -> Option<Scripted> + Send + Sync>;

/// A request as the stand-in sees it.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The model.
    pub model: &'a str,
    /// The conversation.
    pub messages: &'a Value,
    /// The tools; null for none.
    pub tools: &'a Value,
}

impl Asked<'_> {
    /// The last message of the user.
    #[must_use]
    pub fn prompt(&self) -> &str {
        let messages = self.messages.as_array().map_or(&[][..], Vec::as_slice);
        let user = messages.iter().rev().find(|message| message["role"] == "user");
        user.and_then(|message| message["content"].as_str())
            .unwrap_or_default()
    }
}

/// An answer with the figures that were recorded for it.
#[derive(Clone, Debug, Default)]
pub struct Scripted {
    /// The text; none where tools are called.
    pub text: Option<String>,
    /// Tools it wants called.
    pub tool_calls: Vec<ToolCall>,
    /// Billed input tokens.
    pub input_tokens: u64,
    /// Billed output tokens.
    pub output_tokens: u64,
    /// How long it takes.
    pub latency: Duration,
}

/// Something that goes wrong with one request.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// 429 with `retry-after-ms`.
    RateLimited {
        /// The wait it asks for.
        retry_after_ms: u64,
    },
    /// 429 of an account without money.
    OutOfQuota,
    /// A bare status with an error object.
    Status(u16),
    /// 200 with a web page.
    WebPage,
    /// 200 with the first half of an answer.
    CutShort,
    /// A whole answer without usage.
    NoUsage,
    /// A whole answer with a negative token count.
    NegativeUsage,
    /// A whole answer that names another model.
    OtherModel,
    /// A whole answer with its choice twice.
    TwoChoices,
    /// A whole answer with a comment inside the tool's arguments.
    BrokenArguments,
    /// Nothing for longer than anybody waits.
    Silence,
}

struct Inner {
    dialect: Arc<dyn Dialect>,
    setup: Setup,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    prompts: BTreeMap<String, u64>,
    answered: u64,
    faults: VecDeque<Fault>,
    in_flight: u64,
    most_in_flight: u64,
}

impl FakeVendor {
    /// Starts one that speaks chat completions on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When no port can be opened.
    pub async fn start(setup: Setup) -> std::io::Result<Self> {
        Self::speaking(Arc::new(ChatCompletions), setup).await
    }

    /// Starts one that speaks `dialect`.
    ///
    /// # Errors
    /// As [`FakeVendor::start`].
    pub async fn speaking(dialect: Arc<dyn Dialect>, setup: Setup) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let base_url = format!("http://{}{}", listener.local_addr()?, dialect.base());
        let inner = Arc::new(Inner {
            dialect,
            setup,
            seen: Mutex::default(),
        });
        let app = Router::new().fallback_service(post(answer_prompt).with_state(Arc::clone(&inner)));
        let server = tokio::spawn(async move {
            // Ends with the task; an accept error of a stand-in is of no interest.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self {
            base_url,
            inner,
            server,
        })
    }

    /// Its address, as clients of its dialect want it (for OpenAI up to and with `/v1`).
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// How often a prompt for `model` arrived with a good key, answered or not.
    #[must_use]
    pub fn prompts_received(&self, model: &str) -> u64 {
        self.inner.seen().prompts.get(model).copied().unwrap_or_default()
    }

    /// Whole answers given, all models.
    #[must_use]
    pub fn answers_given(&self) -> u64 {
        self.inner.seen().answered
    }

    /// The most requests that were open at one time.
    #[must_use]
    pub fn most_in_flight(&self) -> u64 {
        self.inner.seen().most_in_flight
    }

    /// The next `times` requests meet `fault`.
    pub fn fail_next(&self, times: usize, fault: Fault) {
        self.inner.seen().faults.extend(std::iter::repeat_n(fault, times));
    }
}

impl Drop for FakeVendor {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Inner {
    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts the prompt and takes the fault that waits for it.
    fn receive(&self, model: &str) -> Option<Fault> {
        let mut seen = self.seen();
        *seen.prompts.entry(model.to_owned()).or_default() += 1;
        seen.in_flight += 1;
        seen.most_in_flight = seen.most_in_flight.max(seen.in_flight);
        seen.faults.pop_front()
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner")
            .field("models", &self.setup.models)
            .finish_non_exhaustive()
    }
}

/// Counts a request out again, also when the client has gone.
struct InFlight<'a>(&'a Inner);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.seen().in_flight -= 1;
    }
}

async fn answer_prompt(
    State(inner): State<Arc<Inner>>,
    uri: Uri,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let dialect = &inner.dialect;
    if !dialect.knows(&headers, &inner.setup.api_key) {
        return dialect.error(Refusal::Key);
    }
    let path = percent_encoding::percent_decode_str(uri.path()).decode_utf8_lossy();
    let Some(heard) = dialect.hears(&path, &body) else {
        return dialect.error(Refusal::Path);
    };
    let fault = inner.receive(&heard.model);
    let _in_flight = InFlight(&inner);
    if let Some(refused) = refused(&inner, &heard) {
        return refused;
    }
    match fault {
        Some(Fault::RateLimited { retry_after_ms }) => {
            let refusal = dialect.error(Refusal::Pace);
            ([("retry-after-ms", retry_after_ms.to_string())], refusal).into_response()
        }
        Some(Fault::OutOfQuota) => dialect.error(Refusal::Quota),
        Some(Fault::Status(status)) => dialect.error(Refusal::Trouble(status)),
        Some(Fault::WebPage) => {
            Html("<html><body>Please sign in to the guest network</body></html>").into_response()
        }
        Some(Fault::Silence) => {
            tokio::time::sleep(Duration::from_secs(3_600)).await;
            StatusCode::GATEWAY_TIMEOUT.into_response()
        }
        fault => answer(&inner, &heard, fault).await,
    }
}

fn refused(inner: &Inner, heard: &Heard) -> Option<Response> {
    let error = |refusal| Some(inner.dialect.error(refusal));
    if !inner.setup.models.contains(&heard.model) {
        return error(Refusal::Model(heard.model.clone()));
    }
    if let Some(what) = &heard.wrong {
        return error(Refusal::Malformed(what.clone()));
    }
    let Some(messages) = heard.messages.as_array().filter(|messages| !messages.is_empty()) else {
        return error(Refusal::Malformed("'messages' must not be empty.".to_owned()));
    };
    let characters: usize = messages.iter().map(|message| message.to_string().len()).sum();
    let most = inner.setup.context_tokens;
    (characters / 4 > most).then(|| inner.dialect.error(Refusal::TooLong(most)))
}

async fn answer(inner: &Inner, heard: &Heard, fault: Option<Fault>) -> Response {
    let asked = Asked {
        model: &heard.model,
        messages: &heard.messages,
        tools: &heard.tools,
    };
    let scripted = (inner.setup.answers)(&asked).unwrap_or_else(|| plain(&asked));
    let wait = scripted.latency.mul_f64(inner.setup.latency_scale.max(0.0));
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
    let number = {
        let mut seen = inner.seen();
        seen.answered += 1;
        seen.answered
    };
    let mut reply = inner.dialect.reply(&heard.model, number, &scripted);
    if let Some(fault) = fault {
        inner.dialect.damage(&mut reply, fault);
    }
    let stream = heard.streamed.then(|| inner.dialect.stream(&reply)).flatten();
    let (kind, whole) = match stream {
        Some(stream) => ("text/event-stream", stream),
        None => ("application/json", reply.to_string()),
    };
    let text = match fault {
        Some(Fault::CutShort) => whole.chars().take(90).collect(),
        _ => whole,
    };
    let took = format!("{:.1}", scripted.latency.as_secs_f64() * 1000.0);
    (
        [("content-type", kind.to_owned()), ("openai-processing-ms", took)],
        text,
    )
        .into_response()
}

fn plain(asked: &Asked<'_>) -> Scripted {
    Scripted {
        text: Some("I can help with that.".to_owned()),
        input_tokens: (asked.messages.to_string().len() / 4) as u64,
        output_tokens: 6,
        latency: Duration::from_millis(400),
        ..Scripted::default()
    }
}

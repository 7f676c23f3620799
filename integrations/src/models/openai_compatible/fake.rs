//! A stand-in vendor on loopback: speaks chat completions, refuses what OpenAI refuses, counts every prompt it was shown.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};
use workflow_engine::ports::model::ToolCall;

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
    /// Starts on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When no port can be opened.
    pub async fn start(setup: Setup) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let base_url = format!("http://{}/v1", listener.local_addr()?);
        let inner = Arc::new(Inner {
            setup,
            seen: Mutex::default(),
        });
        let app = Router::new()
            .route("/v1/chat/completions", post(chat))
            .with_state(Arc::clone(&inner));
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

    /// Its address, up to and with `/v1`.
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

async fn chat(State(inner): State<Arc<Inner>>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    let expected = format!("Bearer {}", inner.setup.api_key);
    if headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes) != Some(expected.as_bytes()) {
        return error(
            StatusCode::UNAUTHORIZED,
            "Incorrect API key provided.",
            "invalid_api_key",
        );
    }
    let model = body["model"].as_str().unwrap_or_default().to_owned();
    let fault = inner.receive(&model);
    let _in_flight = InFlight(&inner);
    if let Some(refused) = refused(&inner.setup, &model, &body) {
        return refused;
    }
    match fault {
        Some(Fault::RateLimited { retry_after_ms }) => {
            let refusal = error(
                StatusCode::TOO_MANY_REQUESTS,
                "Rate limit reached.",
                "rate_limit_exceeded",
            );
            ([("retry-after-ms", retry_after_ms.to_string())], refusal).into_response()
        }
        Some(Fault::OutOfQuota) => error(
            StatusCode::TOO_MANY_REQUESTS,
            "You exceeded your current quota.",
            "insufficient_quota",
        ),
        Some(Fault::Status(status)) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            error(
                status,
                "The server had an error while processing your request.",
                "server_error",
            )
        }
        Some(Fault::WebPage) => {
            Html("<html><body>Please sign in to the guest network</body></html>").into_response()
        }
        Some(Fault::Silence) => {
            tokio::time::sleep(Duration::from_secs(3_600)).await;
            StatusCode::GATEWAY_TIMEOUT.into_response()
        }
        fault => answer(&inner, &model, &body, fault).await,
    }
}

fn refused(setup: &Setup, model: &str, body: &Value) -> Option<Response> {
    if !setup.models.iter().any(|known| known == model) {
        let message = format!("The model `{model}` does not exist or you do not have access to it.");
        return Some(error(StatusCode::NOT_FOUND, &message, "model_not_found"));
    }
    let Some(messages) = body["messages"]
        .as_array()
        .filter(|messages| !messages.is_empty())
    else {
        return Some(error(
            StatusCode::BAD_REQUEST,
            "'messages' must not be empty.",
            "invalid_request_error",
        ));
    };
    let characters: usize = messages.iter().map(|message| message.to_string().len()).sum();
    (characters / 4 > setup.context_tokens).then(|| {
        let message = format!(
            "This model's maximum context length is {} tokens.",
            setup.context_tokens
        );
        error(StatusCode::BAD_REQUEST, &message, "context_length_exceeded")
    })
}

async fn answer(inner: &Inner, model: &str, body: &Value, fault: Option<Fault>) -> Response {
    let asked = Asked {
        model,
        messages: &body["messages"],
        tools: &body["tools"],
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
    let reply = damaged(completion(model, number, &scripted), fault);
    let text = match fault {
        Some(Fault::CutShort) => reply.to_string().chars().take(90).collect(),
        _ => reply.to_string(),
    };
    let took = format!("{:.1}", scripted.latency.as_secs_f64() * 1000.0);
    let kind = "application/json".to_owned();
    ([("content-type", kind), ("openai-processing-ms", took)], text).into_response()
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

fn completion(model: &str, number: u64, scripted: &Scripted) -> Value {
    let calls: Vec<Value> = scripted
        .tool_calls
        .iter()
        .enumerate()
        .map(|(index, call)| {
            json!({"id": format!("call_{number}_{index}"), "type": "function",
                   "function": {"name": call.name, "arguments": call.arguments}})
        })
        .collect();
    let finish = if calls.is_empty() { "stop" } else { "tool_calls" };
    let mut message = json!({"role": "assistant", "content": scripted.text, "refusal": null});
    if !calls.is_empty() {
        message["tool_calls"] = Value::Array(calls);
    }
    json!({
        "id": format!("chatcmpl-standin-{number}"),
        "object": "chat.completion",
        "created": 1_723_334_400 + number,
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": finish, "logprobs": null}],
        "usage": {
            "prompt_tokens": scripted.input_tokens,
            "completion_tokens": scripted.output_tokens,
            "total_tokens": scripted.input_tokens + scripted.output_tokens,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        },
        "system_fingerprint": "fp_standin",
    })
}

fn damaged(mut reply: Value, fault: Option<Fault>) -> Value {
    match fault {
        Some(Fault::NoUsage) => reply["usage"] = Value::Null,
        Some(Fault::NegativeUsage) => reply["usage"]["completion_tokens"] = json!(-17),
        Some(Fault::OtherModel) => reply["model"] = json!("another-model-2024-01-01"),
        Some(Fault::TwoChoices) => reply["choices"] = json!([reply["choices"][0], reply["choices"][0]]),
        Some(Fault::BrokenArguments) => {
            let call = json!({"id": "call_x", "type": "function", "function": {
                "name": "plot", "arguments": "{\"end_range\": 6.2832,  // 2 * pi\n}"}});
            reply["choices"][0]["message"]["tool_calls"] = json!([call]);
        }
        _ => {}
    }
    reply
}

/// OpenAI's error object.
fn error(status: StatusCode, message: &str, code: &str) -> Response {
    let kind = if status.is_server_error() {
        "server_error"
    } else {
        "invalid_request_error"
    };
    let body = json!({"error": {"message": message, "type": kind, "param": null, "code": code}});
    (status, Json(body)).into_response()
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;
    use workflow_engine::{
        ports::model::{Defect, ModelClient, ModelError, ReplayInput},
        values::Hop,
    };

    use super::*;
    use crate::{
        http::{Http, Options},
        models::openai_compatible::{Client, Config},
    };

    const MODEL: &str = "gpt-4o-2024-08-06";

    async fn vendor() -> FakeVendor {
        FakeVendor::start(Setup {
            api_key: "key".to_owned(),
            models: vec![MODEL.to_owned()],
            context_tokens: 1_000,
            answers: Arc::new(|asked| {
                (asked.prompt() == "where is my parcel").then(|| Scripted {
                    tool_calls: vec![ToolCall {
                        name: "track".to_owned(),
                        arguments: "{}".to_owned(),
                    }],
                    input_tokens: 117,
                    output_tokens: 19,
                    latency: Duration::from_micros(613_800),
                    ..Scripted::default()
                })
            }),
            latency_scale: 0.0,
        })
        .await
        .unwrap()
    }

    fn client(vendor: &FakeVendor, key: &str) -> Client {
        let http = Http::new(Options {
            timeout: Duration::from_millis(400),
            attempts: 3,
            first_wait: Duration::from_millis(1),
            longest_wait: Duration::from_millis(20),
            ..Options::default()
        })
        .unwrap();
        let config = Config {
            name: "openai".to_owned(),
            base_url: vendor.base_url().to_owned(),
            api_key: SecretString::from(key),
        };
        Client::new(http, config)
    }

    fn hop(model: &str) -> Hop {
        Hop {
            provider: "openai".to_owned(),
            model: model.to_owned(),
            region: None,
            deployment: None,
            parameters: BTreeMap::new(),
        }
    }

    fn question(text: &str) -> ReplayInput {
        ReplayInput {
            messages: json!([{"role": "user", "content": text}]),
            tools: None,
            parameters: BTreeMap::new(),
        }
    }

    #[tokio::test]
    async fn an_answer_comes_back_with_its_calls_tokens_and_times() {
        let vendor = vendor().await;
        let answer = client(&vendor, "key")
            .complete(&hop(MODEL), &question("where is my parcel"))
            .await
            .unwrap();
        assert_eq!(answer.tool_calls[0].name, "track");
        assert_eq!(answer.finish_reason.as_deref(), Some("tool_calls"));
        let usage = answer.usage.unwrap();
        assert_eq!((usage.input_tokens, usage.output_tokens), (117, 19));
        assert_eq!(answer.processing, Some(Duration::from_micros(613_800)));
        assert_eq!((answer.defects.len(), answer.attempts), (0, 1));
    }

    #[tokio::test]
    async fn a_short_storm_is_sat_out_and_a_long_one_is_handed_back() {
        let vendor = vendor().await;
        let client = client(&vendor, "key");
        vendor.fail_next(1, Fault::RateLimited { retry_after_ms: 5 });
        vendor.fail_next(1, Fault::Status(503));
        let answer = client.complete(&hop(MODEL), &question("hi")).await.unwrap();
        assert_eq!(answer.attempts, 3);

        vendor.fail_next(
            1,
            Fault::RateLimited {
                retry_after_ms: 9_000,
            },
        );
        let error = client.complete(&hop(MODEL), &question("hi")).await.unwrap_err();
        assert!(
            matches!(error, ModelError::Retry { after: Some(wait), .. } if wait == Duration::from_secs(9)),
            "a wait longer than ours is the caller's: {error:?}"
        );
        assert_eq!(vendor.prompts_received(MODEL), 4);
    }

    #[tokio::test]
    async fn what_a_person_must_mend_ends_the_run_and_what_concerns_one_prompt_does_not() {
        let vendor = vendor().await;
        let permanent = |error: ModelError| matches!(error, ModelError::Permanent { .. });
        let wrong_key = client(&vendor, "stolen")
            .complete(&hop(MODEL), &question("hi"))
            .await;
        assert!(permanent(wrong_key.unwrap_err()));
        assert_eq!(vendor.prompts_received(MODEL), 0);

        let client = client(&vendor, "key");
        assert!(permanent(
            client.complete(&hop("gpt-9"), &question("hi")).await.unwrap_err()
        ));
        vendor.fail_next(3, Fault::OutOfQuota);
        assert!(permanent(
            client.complete(&hop(MODEL), &question("hi")).await.unwrap_err()
        ));

        let long = client
            .complete(&hop(MODEL), &question(&"word ".repeat(2_000)))
            .await
            .unwrap_err();
        insta::assert_snapshot!(long, @"refused: openai answered 400 to gpt-4o-2024-08-06: This model's maximum context length is 1000 tokens");
    }

    #[tokio::test]
    async fn damaged_answers_are_outcomes_with_names() {
        let vendor = vendor().await;
        let client = client(&vendor, "key");
        for (fault, defect) in [
            (Fault::NoUsage, Defect::NoUsage),
            (Fault::NegativeUsage, Defect::BadUsage),
            (Fault::OtherModel, Defect::OtherModel),
            (Fault::TwoChoices, Defect::ManyChoices),
            (Fault::BrokenArguments, Defect::BrokenArguments),
        ] {
            vendor.fail_next(1, fault);
            let answer = client.complete(&hop(MODEL), &question("hi")).await.unwrap();
            assert_eq!(answer.defects, [defect]);
        }
        for fault in [Fault::WebPage, Fault::CutShort] {
            vendor.fail_next(1, fault);
            let error = client.complete(&hop(MODEL), &question("hi")).await.unwrap_err();
            assert!(matches!(error, ModelError::Unreadable(_)), "{error:?}");
        }
    }

    #[tokio::test]
    async fn a_silent_vendor_costs_the_time_out_and_no_more() {
        let vendor = vendor().await;
        vendor.fail_next(3, Fault::Silence);
        let error = client(&vendor, "key")
            .complete(&hop(MODEL), &question("hi"))
            .await
            .unwrap_err();
        insta::assert_snapshot!(error, @"openai gave no answer within 400 ms");
    }
}

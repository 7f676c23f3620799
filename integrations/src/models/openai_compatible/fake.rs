//! Chat completions as a stand-in speaks them.

use axum::{
    Json,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::super::fake::{Dialect, Fault, Heard, Refusal, Scripted};

/// OpenAI's dialect.
#[derive(Clone, Copy, Debug)]
pub struct ChatCompletions;

impl Dialect for ChatCompletions {
    fn base(&self) -> &'static str {
        "/v1"
    }

    fn knows(&self, headers: &HeaderMap, key: &str) -> bool {
        let bearer = format!("Bearer {key}");
        let is = |name: &str, wanted: &str| {
            headers.get(name).map(HeaderValue::as_bytes) == Some(wanted.as_bytes())
        };
        is(header::AUTHORIZATION.as_str(), &bearer) || is("api-key", key)
    }

    fn hears(&self, path: &str, body: &Value) -> Option<Heard> {
        path.ends_with("/chat/completions").then(|| Heard {
            model: body["model"].as_str().unwrap_or_default().to_owned(),
            messages: body["messages"].clone(),
            tools: body["tools"].clone(),
            streamed: body["stream"] == true,
            wrong: None,
        })
    }

    fn reply(&self, model: &str, number: u64, scripted: &Scripted) -> Value {
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

    fn damage(&self, reply: &mut Value, fault: Fault) {
        match fault {
            Fault::NoUsage => reply["usage"] = Value::Null,
            Fault::NegativeUsage => reply["usage"]["completion_tokens"] = json!(-17),
            Fault::OtherModel => reply["model"] = json!("another-model-2024-01-01"),
            Fault::TwoChoices => reply["choices"] = json!([reply["choices"][0], reply["choices"][0]]),
            Fault::BrokenArguments => {
                let call = json!({"id": "call_x", "type": "function", "function": {
                    "name": "plot", "arguments": "{\"end_range\": 6.2832,  // 2 * pi\n}"}});
                reply["choices"][0]["message"]["tool_calls"] = json!([call]);
            }
            _ => {}
        }
    }

    fn stream(&self, reply: &Value) -> Option<String> {
        let choice = &reply["choices"][0];
        let mut delta = choice["message"].clone();
        for (index, call) in delta["tool_calls"]
            .as_array_mut()
            .into_iter()
            .flatten()
            .enumerate()
        {
            call["index"] = json!(index);
        }
        let piece = |choices: Value, usage: &Value| {
            json!({"id": reply["id"], "object": "chat.completion.chunk", "model": reply["model"],
                   "choices": choices, "usage": usage})
        };
        let null = Value::Null;
        let pieces = [
            piece(json!([{"index": 0, "delta": {"role": "assistant"}}]), &null),
            piece(json!([{"index": 0, "delta": delta}]), &null),
            piece(
                json!([{"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}]),
                &null,
            ),
            piece(json!([]), &reply["usage"]),
        ];
        let said: String = pieces.iter().map(|piece| format!("data: {piece}\n\n")).collect();
        Some(said + "data: [DONE]\n\n")
    }

    fn error(&self, refusal: Refusal) -> Response {
        let (status, message) = refusal.told();
        let code = match refusal {
            Refusal::Key => "invalid_api_key",
            Refusal::Path => "unknown_url",
            Refusal::Model(_) => "model_not_found",
            Refusal::Malformed(_) => "invalid_request_error",
            Refusal::TooLong(_) => "context_length_exceeded",
            Refusal::Pace => "rate_limit_exceeded",
            Refusal::Quota => "insufficient_quota",
            Refusal::Trouble(_) => "server_error",
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let kind = if status.is_server_error() {
            "server_error"
        } else {
            "invalid_request_error"
        };
        let body = json!({"error": {"message": message, "type": kind, "param": null, "code": code}});
        (status, Json(body)).into_response()
    }
}

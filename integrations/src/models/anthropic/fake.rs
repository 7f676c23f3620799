//! The Messages API as a stand-in speaks it.

use axum::{
    Json,
    http::{HeaderMap, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::super::fake::{Dialect, Fault, Heard, Refusal, Scripted, named_events};

/// Anthropic's dialect.
#[derive(Clone, Copy, Debug)]
pub struct CreateMessage;

impl Dialect for CreateMessage {
    fn base(&self) -> &'static str {
        "/v1"
    }

    fn knows(&self, headers: &HeaderMap, key: &str) -> bool {
        headers.get("x-api-key").map(HeaderValue::as_bytes) == Some(key.as_bytes())
            && headers.contains_key("anthropic-version")
    }

    fn hears(&self, path: &str, body: &Value) -> Option<Heard> {
        let turns = body["messages"].as_array().cloned().unwrap_or_default();
        let messages: Vec<Value> = turns
            .iter()
            .map(|turn| {
                let texts = turn["content"].as_array().into_iter().flatten();
                let text: String = texts.filter_map(|block| block["text"].as_str()).collect();
                json!({"role": turn["role"], "content": text})
            })
            .collect();
        let wrong = if !body["max_tokens"].is_u64() {
            Some("max_tokens: Field required")
        } else if turns.first().is_some_and(|turn| turn["role"] != "user") {
            Some("messages: first message must use the \"user\" role")
        } else {
            None
        };
        (path == "/v1/messages").then(|| Heard {
            model: body["model"].as_str().unwrap_or_default().to_owned(),
            messages: json!(messages),
            tools: body["tools"].clone(),
            streamed: body["stream"] == true,
            wrong: wrong.map(str::to_owned),
        })
    }

    fn reply(&self, model: &str, number: u64, scripted: &Scripted) -> Value {
        let mut content = Vec::new();
        if let Some(text) = &scripted.text {
            content.push(json!({"type": "text", "text": text}));
        }
        for (index, call) in scripted.tool_calls.iter().enumerate() {
            let input: Value = serde_json::from_str(&call.arguments).unwrap_or_default();
            content.push(json!({"type": "tool_use", "id": format!("toolu_{number}_{index}"), "name": call.name, "input": input}));
        }
        let stop = if scripted.tool_calls.is_empty() {
            "end_turn"
        } else {
            "tool_use"
        };
        json!({"id": format!("msg_{number}"), "type": "message", "role": "assistant", "model": model,
            "content": content, "stop_reason": stop, "stop_sequence": null,
            "usage": {"input_tokens": scripted.input_tokens, "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 0, "output_tokens": scripted.output_tokens}})
    }

    fn damage(&self, reply: &mut Value, fault: Fault) {
        match fault {
            Fault::NoUsage => reply["usage"] = Value::Null,
            Fault::NegativeUsage => reply["usage"]["output_tokens"] = json!(-17),
            Fault::OtherModel => reply["model"] = json!("another-model-2024-01-01"),
            Fault::BrokenArguments => {
                reply["content"] =
                    json!([{"type": "tool_use", "id": "x", "name": "plot", "input": "end_range: 6.28"}]);
            }
            _ => {}
        }
    }

    fn stream(&self, reply: &Value) -> Option<String> {
        let mut start = reply.clone();
        start["content"] = json!([]);
        let mut events = vec![json!({"type": "message_start", "message": start})];
        for (index, block) in reply["content"].as_array()?.iter().enumerate() {
            let (mut empty, delta) = (
                block.clone(),
                match block["type"].as_str() {
                    Some("tool_use") => {
                        json!({"type": "input_json_delta", "partial_json": block["input"].to_string()})
                    }
                    _ => json!({"type": "text_delta", "text": block["text"]}),
                },
            );
            if block["type"] == "tool_use" {
                empty["input"] = json!({});
            } else {
                empty["text"] = json!("");
            }
            events.push(json!({"type": "content_block_start", "index": index, "content_block": empty}));
            events.push(json!({"type": "content_block_delta", "index": index, "delta": delta}));
            events.push(json!({"type": "content_block_stop", "index": index}));
        }
        events.push(
            json!({"type": "message_delta", "delta": {"stop_reason": reply["stop_reason"]}, "usage": {}}),
        );
        events.push(json!({"type": "message_stop"}));
        Some(named_events(&events))
    }

    fn error(&self, refusal: Refusal) -> Response {
        let (status, message) = refusal.told();
        let kind = match refusal {
            Refusal::Key => "authentication_error",
            Refusal::Path | Refusal::Model(_) => "not_found_error",
            Refusal::Malformed(_) | Refusal::TooLong(_) => "invalid_request_error",
            Refusal::Pace | Refusal::Quota => "rate_limit_error",
            Refusal::Trouble(529) => "overloaded_error",
            Refusal::Trouble(_) => "api_error",
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (
            status,
            Json(json!({"type": "error", "error": {"type": kind, "message": message}})),
        )
            .into_response()
    }
}

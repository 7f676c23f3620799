//! The Responses API as a stand-in speaks it.

use axum::{http::HeaderMap, response::Response};
use serde_json::{Value, json};

use super::super::{
    fake::{Dialect, Fault, Heard, Refusal, Scripted, named_events},
    openai_compatible::fake::ChatCompletions,
};

/// OpenAI's other dialect; it knows callers and refuses as the first.
#[derive(Clone, Copy, Debug)]
pub struct CreateResponse;

impl Dialect for CreateResponse {
    fn base(&self) -> &'static str {
        "/v1"
    }

    fn knows(&self, headers: &HeaderMap, key: &str) -> bool {
        ChatCompletions.knows(headers, key)
    }

    fn hears(&self, path: &str, body: &Value) -> Option<Heard> {
        let said = body["input"].as_array().into_iter().flatten();
        let messages: Vec<Value> = said
            .filter(|item| item["role"].is_string())
            .map(|item| json!({"role": item["role"], "content": item["content"][0]["text"]}))
            .collect();
        (path == "/v1/responses").then(|| Heard {
            model: body["model"].as_str().unwrap_or_default().to_owned(),
            messages: json!(messages),
            tools: body["tools"].clone(),
            streamed: body["stream"] == true,
            wrong: body
                .get("messages")
                .map(|_| "Unknown parameter: 'messages'.".to_owned()),
        })
    }

    fn reply(&self, model: &str, number: u64, scripted: &Scripted) -> Value {
        let mut output = vec![json!({"type": "reasoning", "id": format!("rs_{number}"), "summary": []})];
        if let Some(text) = &scripted.text {
            output.push(json!({"type": "message", "id": format!("msg_{number}"), "role": "assistant",
                "status": "completed", "content": [{"type": "output_text", "text": text, "annotations": []}]}));
        }
        for (index, call) in scripted.tool_calls.iter().enumerate() {
            output.push(
                json!({"type": "function_call", "call_id": format!("call_{number}_{index}"),
                "name": call.name, "arguments": call.arguments, "status": "completed"}),
            );
        }
        json!({"id": format!("resp_{number}"), "object": "response", "status": "completed", "error": null,
            "incomplete_details": null, "model": model, "output": output,
            "usage": {"input_tokens": scripted.input_tokens, "input_tokens_details": {"cached_tokens": 0},
                "output_tokens": scripted.output_tokens, "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": scripted.input_tokens + scripted.output_tokens}})
    }

    fn damage(&self, reply: &mut Value, fault: Fault) {
        match fault {
            Fault::NoUsage => reply["usage"] = Value::Null,
            Fault::NegativeUsage => reply["usage"]["output_tokens"] = json!(-17),
            Fault::OtherModel => reply["model"] = json!("another-model-2024-01-01"),
            Fault::BrokenArguments => {
                reply["output"] = json!([{"type": "function_call", "call_id": "call_x", "name": "plot",
                    "arguments": "{\"end_range\": 6.2832,  // 2 * pi\n}"}]);
            }
            _ => {}
        }
    }

    fn stream(&self, reply: &Value) -> Option<String> {
        let events = [
            json!({"type": "response.created", "response": {"id": reply["id"]}}),
            json!({"type": "response.output_text.delta", "delta": "…"}),
            json!({"type": "response.completed", "response": reply}),
        ];
        Some(named_events(&events))
    }

    fn error(&self, refusal: Refusal) -> Response {
        ChatCompletions.error(refusal)
    }
}

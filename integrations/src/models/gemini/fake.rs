//! generateContent as a stand-in speaks it.

use axum::{
    Json,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::super::fake::{Dialect, Fault, Heard, Refusal, Scripted};

/// Google's dialect.
#[derive(Clone, Copy, Debug)]
pub struct GenerateContent;

impl Dialect for GenerateContent {
    fn base(&self) -> &'static str {
        "/v1beta"
    }

    fn knows(&self, headers: &HeaderMap, key: &str) -> bool {
        let bearer = format!("Bearer {key}");
        let is = |name: &str, wanted: &str| {
            headers.get(name).map(HeaderValue::as_bytes) == Some(wanted.as_bytes())
        };
        is("x-goog-api-key", key) || is(header::AUTHORIZATION.as_str(), &bearer)
    }

    fn hears(&self, path: &str, body: &Value) -> Option<Heard> {
        let (model, verb) = path.strip_prefix("/v1beta/models/")?.rsplit_once(':')?;
        let messages: Vec<Value> = body["contents"]
            .as_array()?
            .iter()
            .map(|content| {
                let parts = content["parts"].as_array().into_iter().flatten();
                let text: String = parts.filter_map(|part| part["text"].as_str()).collect();
                json!({"role": content["role"], "content": text})
            })
            .collect();
        let known = [
            "contents",
            "systemInstruction",
            "tools",
            "toolConfig",
            "generationConfig",
            "safetySettings",
        ];
        let unknown = body
            .as_object()?
            .keys()
            .find(|name| !known.contains(&name.as_str()));
        Some(Heard {
            model: model.to_owned(),
            messages: json!(messages),
            tools: body["tools"].clone(),
            streamed: verb == "streamGenerateContent",
            wrong: unknown.map(|name| format!("Invalid JSON payload received. Unknown name \"{name}\"")),
        })
    }

    fn reply(&self, model: &str, number: u64, scripted: &Scripted) -> Value {
        let mut parts: Vec<Value> = scripted.text.iter().map(|text| json!({"text": text})).collect();
        for call in &scripted.tool_calls {
            let args: Value = serde_json::from_str(&call.arguments).unwrap_or_default();
            parts.push(json!({"functionCall": {"name": call.name, "args": args}}));
        }
        json!({"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}],
            "usageMetadata": {"promptTokenCount": scripted.input_tokens,
                "candidatesTokenCount": scripted.output_tokens,
                "totalTokenCount": scripted.input_tokens + scripted.output_tokens},
            "modelVersion": model, "responseId": format!("gen-{number}")})
    }

    fn damage(&self, reply: &mut Value, fault: Fault) {
        match fault {
            Fault::NoUsage => reply["usageMetadata"] = Value::Null,
            Fault::NegativeUsage => reply["usageMetadata"]["candidatesTokenCount"] = json!(-17),
            Fault::OtherModel => reply["modelVersion"] = json!("another-model-001"),
            Fault::TwoChoices => {
                reply["candidates"] = json!([reply["candidates"][0], reply["candidates"][0]])
            }
            Fault::BrokenArguments => {
                reply["candidates"][0]["content"]["parts"] =
                    json!([{"functionCall": {"name": "plot", "args": "end_range: 6.28"}}]);
            }
            _ => {}
        }
    }

    fn stream(&self, reply: &Value) -> Option<String> {
        let mut last = reply.clone();
        last["candidates"][0]["content"]["parts"] = json!([]);
        let first = json!({"candidates": [{"content": reply["candidates"][0]["content"]}], "modelVersion": reply["modelVersion"]});
        Some(format!("data: {first}\r\n\r\ndata: {last}\r\n\r\n"))
    }

    fn error(&self, refusal: Refusal) -> Response {
        let (status, message) = refusal.told();
        let word = match refusal {
            Refusal::Key => "UNAUTHENTICATED",
            Refusal::Path | Refusal::Model(_) => "NOT_FOUND",
            Refusal::Malformed(_) | Refusal::TooLong(_) => "INVALID_ARGUMENT",
            Refusal::Pace | Refusal::Quota => "RESOURCE_EXHAUSTED",
            Refusal::Trouble(503) => "UNAVAILABLE",
            Refusal::Trouble(_) => "INTERNAL",
        };
        let code = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (
            code,
            Json(json!({"error": {"code": status, "message": message, "status": word}})),
        )
            .into_response()
    }
}

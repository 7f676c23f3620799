//! Converse as a stand-in speaks it.

use axum::{
    Json,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::super::fake::{Dialect, Fault, Heard, Refusal, Scripted};

/// Amazon's dialect. `key` is a Bedrock API key, or the id of an access key whose signature names the service.
#[derive(Clone, Copy, Debug)]
pub struct ConverseApi;

impl Dialect for ConverseApi {
    fn base(&self) -> &'static str {
        ""
    }

    fn knows(&self, headers: &HeaderMap, key: &str) -> bool {
        let Some(said) = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
        else {
            return false;
        };
        let signed = said.starts_with(&format!("AWS4-HMAC-SHA256 Credential={key}/"))
            && said.contains("/us-east-1/bedrock/aws4_request")
            && said.contains("SignedHeaders=content-type;host;x-amz-date")
            && headers.contains_key("x-amz-date");
        said == format!("Bearer {key}") || signed
    }

    fn hears(&self, path: &str, body: &Value) -> Option<Heard> {
        let model = path.strip_prefix("/model/")?.strip_suffix("/converse")?;
        let turns = body["messages"].as_array().cloned().unwrap_or_default();
        let messages: Vec<Value> = turns
            .iter()
            .map(|turn| {
                let blocks = turn["content"].as_array().into_iter().flatten();
                let text: String = blocks.filter_map(|block| block["text"].as_str()).collect();
                json!({"role": turn["role"], "content": text})
            })
            .collect();
        let alternate = turns.windows(2).all(|two| two[0]["role"] != two[1]["role"]);
        let wrong = "A conversation must alternate between user and assistant roles.";
        Some(Heard {
            model: model.to_owned(),
            messages: json!(messages),
            tools: body["toolConfig"]["tools"].clone(),
            streamed: false,
            wrong: (!alternate).then(|| wrong.to_owned()),
        })
    }

    fn reply(&self, _: &str, number: u64, scripted: &Scripted) -> Value {
        let mut content: Vec<Value> = scripted.text.iter().map(|text| json!({"text": text})).collect();
        for (index, call) in scripted.tool_calls.iter().enumerate() {
            let input: Value = serde_json::from_str(&call.arguments).unwrap_or_default();
            let id = format!("tooluse_{number}_{index}");
            content.push(json!({"toolUse": {"toolUseId": id, "name": call.name, "input": input}}));
        }
        let stop = if scripted.tool_calls.is_empty() {
            "end_turn"
        } else {
            "tool_use"
        };
        json!({"output": {"message": {"role": "assistant", "content": content}}, "stopReason": stop,
            "metrics": {"latencyMs": scripted.latency.as_millis() as u64},
            "usage": {"inputTokens": scripted.input_tokens, "outputTokens": scripted.output_tokens,
                "totalTokens": scripted.input_tokens + scripted.output_tokens}})
    }

    fn damage(&self, reply: &mut Value, fault: Fault) {
        match fault {
            Fault::NoUsage => reply["usage"] = Value::Null,
            Fault::NegativeUsage => reply["usage"]["outputTokens"] = json!(-17),
            Fault::BrokenArguments => {
                reply["output"]["message"]["content"] =
                    json!([{"toolUse": {"toolUseId": "x", "name": "plot", "input": "end_range: 6.28"}}]);
            }
            _ => {}
        }
    }

    fn stream(&self, _: &Value) -> Option<String> {
        None
    }

    fn error(&self, refusal: Refusal) -> Response {
        let (mut status, message) = refusal.told();
        let kind = match refusal {
            Refusal::Key => {
                status = 403;
                "UnrecognizedClientException"
            }
            Refusal::Path | Refusal::Model(_) => "ResourceNotFoundException",
            Refusal::Malformed(_) | Refusal::TooLong(_) => "ValidationException",
            Refusal::Pace | Refusal::Quota => "ThrottlingException",
            Refusal::Trouble(503) => "ServiceUnavailableException",
            Refusal::Trouble(_) => "InternalServerException",
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (
            [("x-amzn-errortype", kind)],
            (status, Json(json!({"message": message}))),
        )
            .into_response()
    }
}

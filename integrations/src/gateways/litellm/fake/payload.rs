//! LiteLLM's StandardLoggingPayload, as its `generic_api` callback sends it (fields and oddities of version 1.106.2).

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

/// One attempt at a call, as the proxy knows it when it is over.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The vendor's answer; none for a failed attempt.
    pub response: Option<Value>,
    /// Status and message of a failed attempt.
    pub failure: Option<(u16, String)>,
    /// Shared by the attempts of one request.
    pub call_id: String,
    /// Deployment that was tried.
    pub deployment: String,
    /// The group the deployment belongs to: the alias, or a fallback's name.
    pub group: String,
    /// `openai/gpt-4o-2024-08-06`.
    pub model: String,
    /// Where the vendor is.
    pub api_base: String,
    /// The request as the caller sent it.
    pub request: Value,
    /// Tags from the header or the body.
    pub tags: Vec<String>,
    /// First byte out.
    pub started_at: DateTime<Utc>,
    /// Last byte in.
    pub ended_at: DateTime<Utc>,
    /// What LiteLLM thinks it cost; none where its price map has no such model.
    pub cost_usd: Option<f64>,
}

/// The row that the callback sends.
#[must_use]
pub fn row(attempt: &Attempt) -> Value {
    let (provider, _) = attempt
        .model
        .split_once('/')
        .unwrap_or(("openai", &attempt.model));
    let usage = attempt
        .response
        .as_ref()
        .map_or(Value::Null, |response| response["usage"].clone());
    let count = |name: &str| usage[name].as_u64().unwrap_or_default();
    let success = attempt.failure.is_none();
    // A failure has no answer id; LiteLLM writes its call id there.
    let id = attempt
        .response
        .as_ref()
        .and_then(|response| response["id"].as_str());
    json!({
        "id": id.unwrap_or(&attempt.call_id),
        "litellm_call_id": attempt.call_id,
        "trace_id": attempt.call_id,
        "session_id": "",
        "call_type": "acompletion",
        "cache_hit": null,
        "stream": null,
        "status": if success { "success" } else { "failure" },
        "status_fields": {"llm_api_status": if success { "success" } else { "failure" }, "guardrail_status": "not_run"},
        "custom_llm_provider": provider,
        "saved_cache_cost": 0.0,
        "startTime": seconds(attempt.started_at),
        "endTime": seconds(attempt.ended_at),
        "completionStartTime": seconds(attempt.ended_at),
        "response_time": seconds(attempt.ended_at) - seconds(attempt.started_at),
        "model": attempt.model,
        "metadata": metadata(attempt, &usage),
        "cache_key": null,
        "response_cost": attempt.cost_usd.unwrap_or(0.0),
        "total_tokens": count("total_tokens"),
        "prompt_tokens": count("prompt_tokens"),
        "completion_tokens": count("completion_tokens"),
        "request_tags": attempt.tags,
        "end_user": attempt.request["user"].as_str().unwrap_or_default(),
        "api_base": attempt.api_base,
        "model_group": attempt.group,
        "model_id": attempt.deployment,
        "requester_ip_address": "127.0.0.1",
        "user_agent": "",
        "messages": attempt.request["messages"],
        "response": as_answered(attempt),
        "model_parameters": parameters(&attempt.request),
        "hidden_params": {"model_id": attempt.deployment, "cache_key": null, "api_base": attempt.api_base,
                          "litellm_model_name": attempt.model, "usage_object": null},
        "model_map_information": {"model_map_key": attempt.model, "model_map_value": null},
        "error_str": attempt.failure.as_ref().map(|failure| &failure.1),
        "error_information": failure(attempt, provider),
        "guardrail_information": null,
    })
}

fn metadata(attempt: &Attempt, usage: &Value) -> Value {
    let mut requester = attempt.request["metadata"].clone();
    if !requester.is_object() {
        requester = json!({});
    }
    requester["headers"] = json!({"content-type": "application/json"});
    json!({
        "user_api_key_hash": "litellm_proxy_master_key",
        "user_api_key_alias": null,
        "user_api_key_team_id": null,
        "user_api_key_team_alias": null,
        "user_api_key_user_id": "default_user_id",
        "user_api_key_end_user_id": attempt.request["user"],
        "user_api_key_request_route": "/v1/chat/completions",
        "requester_metadata": requester,
        "applied_guardrails": [],
        "usage_object": usage,
    })
}

/// LiteLLM puts its group's name over the vendor's model.
fn as_answered(attempt: &Attempt) -> Value {
    let Some(mut response) = attempt.response.clone() else {
        return Value::Null;
    };
    response["model"] = json!(attempt.group);
    response
}

/// Everything the caller sent but the conversation and what is LiteLLM's own.
fn parameters(request: &Value) -> Value {
    let mut parameters = request.clone();
    if let Some(fields) = parameters.as_object_mut() {
        for own in ["model", "messages", "metadata"] {
            fields.remove(own);
        }
    }
    parameters
}

fn failure(attempt: &Attempt, provider: &str) -> Value {
    let Some((status, message)) = &attempt.failure else {
        return json!({"error_code": "", "error_class": "", "llm_provider": "", "traceback": "", "error_message": ""});
    };
    let class = match status {
        401 => "AuthenticationError",
        404 => "NotFoundError",
        408 => "Timeout",
        429 => "RateLimitError",
        400 => "BadRequestError",
        _ => "InternalServerError",
    };
    json!({"error_code": status.to_string(), "error_class": class, "llm_provider": provider, "traceback": "",
           "error_message": message})
}

/// Unix seconds with a fraction, as LiteLLM writes times.
fn seconds(at: DateTime<Utc>) -> f64 {
    // Microseconds since 1970 stay below 2^53 until the year 2255.
    at.timestamp_micros() as f64 / 1_000_000.0
}

//! One `StandardLoggingPayload`: which fields matter and what they mean. Every field takes text, number, list or null.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;
use workflow_engine::usage::call::{Call, ErrorClass, FinishReason, Status, TokensSource, millis_between};
use workflow_engine::usage::names as canonical;
use workflow_engine::usage::report::{Content, Report};
use workflow_engine::values::Usd;

use super::ingest::refuses;
use crate::traces::decimal;

/// What is read of a row; the rest (13 kB of model map, tracebacks, headers) is skipped, not stored.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Row {
    id: Value,
    litellm_call_id: Value,
    trace_id: Value,
    session_id: Value,
    call_type: Value,
    stream: Value,
    status: Value,
    custom_llm_provider: Value,
    #[serde(rename = "startTime")]
    start: Value,
    #[serde(rename = "endTime")]
    end: Value,
    #[serde(rename = "completionStartTime")]
    first_token: Value,
    model: Value,
    model_id: Value,
    model_group: Value,
    api_base: Value,
    cache_hit: Value,
    response_cost: Value,
    cost_breakdown: Value,
    prompt_tokens: Value,
    completion_tokens: Value,
    request_tags: Value,
    end_user: Value,
    metadata: Value,
    model_parameters: Value,
    error_information: Value,
    messages: Value,
    response: Value,
}

/// The row as a report.
///
/// # Errors
/// A sentence when the row has no id or no start time: without them it cannot be told apart from its neighbours.
pub(super) fn report(source: &str, row: Row) -> Result<Report, String> {
    let id = text(&row.id)
        .or_else(|| text(&row.litellm_call_id))
        .ok_or("a row needs `id` or `litellm_call_id`")?;
    let start = seconds(&row.start).ok_or("a row needs `startTime` in seconds since 1970")?;
    let status = text(&row.status).unwrap_or_default();
    let record = format!("{id}:{status}:{}", text(&row.model_id).unwrap_or_default());
    let mut call = Call::new(source, &record, start);
    call.beside.gateway = true;
    call.beside.reporter = "litellm.callback".to_owned();
    call.trace_id = text(&row.trace_id);
    call.call_group_id = text(&row.litellm_call_id).or_else(|| call.trace_id.clone());
    if let Some(end) = seconds(&row.end) {
        call.end(end);
    }
    outcome(&mut call, &row, &status);
    stream(&mut call, &row);
    models(&mut call, &row);
    if call.status == Status::Success && Some(&id) != call.call_group_id.as_ref() {
        // A cache hit is told under the first answer's id with a suffix of LiteLLM's own.
        call.response_id = Some(id.split("_cache_hit").next().unwrap_or(&id).to_owned());
    }
    tokens(&mut call, &row);
    call.cost_reported_usd = cost(&call, &row);
    people(&mut call, &row);
    Ok(Report {
        content: content(&row),
        call,
    })
}

fn outcome(call: &mut Call, row: &Row, status: &str) {
    call.cache_hit = truth(&row.cache_hit);
    let class = at(&row.error_information, "/error_class").unwrap_or_default();
    if status != "failure" {
        // A stream that was cut keeps its status; the class tells who cut it.
        let cut = (!class.is_empty()).then(|| canonical::error_class(&class, None, ""));
        call.finish_reason = cut.map(|class| match class {
            ErrorClass::Cancelled => FinishReason::Cancelled,
            _ => FinishReason::Error,
        });
        if cut.is_some() {
            return;
        }
        let reason =
            at(&row.response, "/choices/0/finish_reason").or_else(|| at(&row.response, "/stop_reason"));
        call.finish_reason = reason.and_then(|reason| canonical::finish_reason(&reason));
        return;
    }
    let code = at(&row.error_information, "/error_code").and_then(|code| code.parse().ok());
    let message = at(&row.error_information, "/error_message").unwrap_or_default();
    call.status = if class.contains("Guardrail") {
        Status::Blocked
    } else {
        Status::Failure
    };
    call.error_class = Some(canonical::error_class(&class, code, &message));
    call.beside.extra.insert("error_type".to_owned(), class);
}

fn stream(call: &mut Call, row: &Row) {
    // Failed rows leave `stream` empty; the request's parameters still say it.
    let asked = row.model_parameters.get("stream").and_then(truth);
    call.stream = Some(truth(&row.stream).or(asked).unwrap_or(false));
    if call.stream == Some(true) && call.status == Status::Success {
        call.ttft_ms = seconds(&row.first_token).map(|first| millis_between(call.started_at, first));
    }
}

fn models(call: &mut Call, row: &Row) {
    let provider = text(&row.custom_llm_provider);
    let model = text(&row.model);
    let group = text(&row.model_group);
    call.requested_alias = group.or_else(|| model.clone());
    call.provider = provider.as_deref().and_then(canonical::provider);
    call.deployment_id = text(&row.model_id);
    call.region =
        at(&row.cost_breakdown, "/vertex_location").or_else(|| at(&row.cost_breakdown, "/data_residency"));
    let class = call
        .beside
        .extra
        .get("error_type")
        .map(String::as_str)
        .unwrap_or_default();
    let refused = call.status != Status::Success && (refuses(class) || text(&row.api_base).is_none());
    if let Some(model) = model.filter(|_| !refused) {
        let (prefix, name) = canonical::split_model(&model, provider.as_deref());
        call.route_model = Some(name.to_owned());
        call.provider = call.provider.take().or(prefix);
    }
    if call.status == Status::Success {
        call.response_model = at(&row.response, "/model").filter(|model| {
            Some(model) != call.requested_alias.as_ref() || Some(model) == call.route_model.as_ref()
        });
    }
}

fn tokens(call: &mut Call, row: &Row) {
    let usage = row.metadata.get("usage_object").unwrap_or(&Value::Null);
    let figure = |pointers: &[&str]| pointers.iter().find_map(|pointer| whole(usage.pointer(pointer)?));
    call.input_tokens = whole(&row.prompt_tokens).or_else(|| figure(&["/prompt_tokens"]));
    call.output_tokens = whole(&row.completion_tokens).or_else(|| figure(&["/completion_tokens"]));
    if call.status != Status::Success && call.input_tokens.unwrap_or(0) + call.output_tokens.unwrap_or(0) == 0
    {
        call.input_tokens = None;
        call.output_tokens = None;
        return;
    }
    call.cached_input_tokens = figure(&["/prompt_tokens_details/cached_tokens", "/cache_read_input_tokens"]);
    call.cache_write_tokens = figure(&[
        "/cache_creation_input_tokens",
        "/prompt_tokens_details/cache_creation_tokens",
        "/prompt_tokens_details/cache_write_tokens",
    ]);
    call.reasoning_tokens = figure(&["/completion_tokens_details/reasoning_tokens"]);
    let cached = call.cached_input_tokens.unwrap_or(0) + call.cache_write_tokens.unwrap_or(0);
    call.input_tokens = call
        .input_tokens
        .map(|input| if input < cached { input + cached } else { input });
    // A stream that was cut has no figures of the vendor; LiteLLM counts what it saw.
    let cut = call.stream == Some(true) && (call.status != Status::Success || call.output_tokens == Some(0));
    call.tokens_source = Some(if cut {
        TokensSource::Estimated
    } else {
        TokensSource::Reported
    });
}

/// The reported cost. A cache hit cost nothing; any other 0 means that LiteLLM knows no price.
fn cost(call: &Call, row: &Row) -> Option<Usd> {
    if call.cache_hit == Some(true) {
        return Some(Usd::ZERO);
    }
    let amount = number(&row.response_cost)?;
    (amount > 0.0).then(|| decimal(amount)).flatten().map(Usd)
}

fn people(call: &mut Call, row: &Row) {
    let meta = |pointer: &str| at(&row.metadata, pointer);
    let mut tags = texts(&row.request_tags);
    if tags.iter().all(|tag| automatic(tag)) {
        tags.extend(
            row.metadata
                .pointer("/requester_metadata/tags")
                .map(texts)
                .unwrap_or_default(),
        );
    }
    tags.retain(|tag| !automatic(tag));
    call.tags = tags;
    call.end_user = text(&row.end_user).or_else(|| meta("/user_api_key_end_user_id"));
    call.team = meta("/user_api_key_team_alias").or_else(|| meta("/user_api_key_team_id"));
    call.is_shadow = row.metadata.get("is_silent_experiment").and_then(truth) == Some(true);
    let internal = [
        "autorouter_classifier",
        "shadow_eval_router",
        "shadow_eval_judge",
        "llm_as_a_judge_guardrail",
    ];
    call.is_internal = internal.iter().any(|name| {
        let flag = |path: &str| row.metadata.pointer(&format!("{path}/{name}")).and_then(truth) == Some(true);
        flag("") || flag("/requester_metadata")
    });
    call.beside.key_alias = meta("/user_api_key_alias");
    call.beside.service_tier =
        at(&row.cost_breakdown, "/service_tier").or_else(|| at(&row.response, "/service_tier"));
    let extra = [
        ("session_id", text(&row.session_id)),
        ("call_type", text(&row.call_type)),
        (
            "organisation",
            meta("/user_api_key_org_alias").or_else(|| meta("/user_api_key_org_id")),
        ),
        (
            "project",
            meta("/user_api_key_project_alias").or_else(|| meta("/user_api_key_project_id")),
        ),
    ];
    for (name, value) in extra {
        if let Some(value) = value {
            call.beside.extra.insert(name.to_owned(), value);
        }
    }
}

/// LiteLLM adds the client's user agent as a tag.
fn automatic(tag: &str) -> bool {
    tag.starts_with("User-Agent:")
}

fn content(row: &Row) -> Option<Content> {
    let messages = row.messages.as_array().filter(|messages| !messages.is_empty())?;
    let mut parameters = row.model_parameters.clone();
    let mut tools = Value::Null;
    if let Some(map) = parameters.as_object_mut() {
        tools = map.remove("tools").unwrap_or_default();
        for name in ["stream", "stream_options", "user", "extra_body", "max_retries"] {
            map.remove(name);
        }
        // What somebody has said would be the right answer: the shadow test compares with it.
        let reference = "reference_tool_calls";
        if let Some(calls) = row
            .metadata
            .pointer("/requester_metadata")
            .and_then(|meta| meta.get(reference))
        {
            map.insert("metadata".to_owned(), serde_json::json!({reference: calls}));
        }
    }
    Some(Content {
        messages: Value::Array(messages.clone()),
        tools,
        parameters,
        response: row.response.clone(),
    })
}

/// A text that is not empty; a number as text; none for anything else.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn at(value: &Value, pointer: &str) -> Option<String> {
    value.pointer(pointer).and_then(text)
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())
}

fn whole(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}

fn truth(value: &Value) -> Option<bool> {
    value.as_bool().or_else(|| match value.as_str()? {
        "True" | "true" => Some(true),
        "False" | "false" => Some(false),
        _ => None,
    })
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(list) => list.iter().filter_map(text).collect(),
        other => text(other).into_iter().collect(),
    }
}

/// Seconds since 1970 with a fraction, or RFC 3339.
fn seconds(value: &Value) -> Option<DateTime<Utc>> {
    if let Some(text) = value.as_str()
        && let Ok(at) = text.parse::<DateTime<Utc>>()
    {
        return Some(at);
    }
    let seconds = number(value).filter(|seconds| (1.0..1e11).contains(seconds))?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "checked to be below the year 5138"
    )]
    let micros = (seconds * 1_000_000.0).round() as i64;
    DateTime::from_timestamp_micros(micros)
}

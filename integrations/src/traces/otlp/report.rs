//! What a call span says, under all the names that instrumentations give it.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use workflow_engine::usage::call::{Call, Status, millis_between};
use workflow_engine::usage::names as canonical;

use super::select::Kind;
use super::span::{Attrs, Span, time};
use super::{money, names, tokens};

/// The call that `span` reports.
pub(super) fn call(source: &str, span: &Span, kind: Kind, start: DateTime<Utc>) -> Call {
    let attrs = &span.attrs;
    let mut call = Call::new(source, &format!("{}:{}", span.trace_id, span.span_id), start);
    call.trace_id = Some(span.trace_id.clone());
    call.span_id = Some(span.span_id.clone());
    call.call_group_id = attrs
        .text(&["litellm.call_id"])
        .or(Some(&span.trace_id))
        .map(str::to_owned);
    call.end(time(span.end).unwrap_or(start));
    call.beside.gateway = matches!(kind, Kind::LiteLlmV1 | Kind::LiteLlmV2);
    call.beside.reporter = match kind {
        Kind::LiteLlmV1 | Kind::LiteLlmV2 => "litellm.otel".to_owned(),
        _ => String::from_utf8_lossy(&span.scope).into_owned(),
    };
    call.beside.parent_span_id.clone_from(&span.parent_span_id);
    outcome(&mut call, span);
    stream(&mut call, span, kind);
    models(&mut call, attrs, kind);
    answer(&mut call, attrs, kind);
    tokens::fill(&mut call, attrs, kind);
    call.cost_reported_usd = money::reported(&call, attrs);
    people(&mut call, span);
    call
}

fn people(call: &mut Call, span: &Span) {
    let attrs = &span.attrs;
    call.tags = names::tags(attrs);
    call.end_user = names::end_user(attrs);
    call.team = names::team(attrs, &span.resource);
    call.beside.names = names::workflows(attrs);
    call.beside.key_alias = attrs
        .text(&["litellm.api_key.alias", "metadata.user_api_key_alias"])
        .map(str::to_owned);
    let tier = [
        "openai.response.service_tier",
        "gen_ai.openai.response.service_tier",
        "anthropic.response.service_tier",
    ];
    call.beside.service_tier = attrs.text(&tier).map(str::to_owned);
    let session = ["gen_ai.conversation.id", "session.id", "langfuse.session.id"];
    if let Some(session) = attrs.text(&session) {
        call.beside
            .extra
            .insert("session_id".to_owned(), session.to_owned());
    }
}

/// Success, failure or refusal, and why.
fn outcome(call: &mut Call, span: &Span) {
    let attrs = &span.attrs;
    let exception = span
        .events
        .iter()
        .find(|event| event.name.as_ref() == b"exception");
    let kind = attrs
        .text(&["error.type"])
        .or_else(|| exception?.attrs.text(&["exception.type"]));
    let error = attrs.text(&["langfuse.observation.level"]) == Some("ERROR");
    if !span.failed && !error && attrs.get("error.type").is_none() {
        return;
    }
    let message = attrs
        .text(&["error.message", "langfuse.observation.status_message"])
        .or_else(|| exception?.attrs.text(&["exception.message"]))
        .or_else(|| std::str::from_utf8(&span.message).ok())
        .unwrap_or_default();
    let code = attrs.whole(&[
        "http.response.status_code",
        "error.code",
        "litellm.provider.error.code",
    ]);
    let code = code.and_then(|code| u16::try_from(code).ok());
    let kind = kind.unwrap_or_default();
    call.error_class = Some(canonical::error_class(kind, code, message));
    call.status = if kind.contains("Guardrail") {
        Status::Blocked
    } else {
        Status::Failure
    };
    call.beside.extra.insert("error_type".to_owned(), kind.to_owned());
}

fn stream(call: &mut Call, span: &Span, kind: Kind) {
    let attrs = &span.attrs;
    let told = [
        "llm.is_streaming",
        "gen_ai.is_streaming",
        "gen_ai.request.stream",
        "litellm.request.streaming",
    ];
    call.stream = attrs.flag(&told).or_else(|| match kind {
        Kind::AiSdk => Some(attrs.text(&["ai.operationId"])?.ends_with("doStream")),
        Kind::OpenInference => {
            let parameters = attrs.json(&["llm.invocation_parameters", "embedding.invocation_parameters"])?;
            Some(
                parameters
                    .get("stream")
                    .and_then(serde_json::Value::as_bool)
                    .unwrap_or(false),
            )
        }
        _ => None,
    });
    let ttft = first_token_ms(call, span);
    if ttft.is_some() && call.stream.is_none() {
        call.stream = Some(true);
    }
    call.ttft_ms = ttft.filter(|_| call.stream == Some(true));
}

fn first_token_ms(call: &Call, span: &Span) -> Option<f64> {
    let attrs = &span.attrs;
    if let Some(seconds) = attrs.number(&["gen_ai.response.time_to_first_chunk"]) {
        return Some((seconds * 1_000_000.0).round() / 1000.0);
    }
    if let Some(ms) = attrs.number(&["ai.response.msToFirstChunk"]) {
        return Some(ms);
    }
    let since_start = |at: DateTime<Utc>| millis_between(call.started_at, at);
    if let Some(text) = attrs.text(&["langfuse.observation.completion_start_time"]) {
        let at = text.trim_matches('"').parse::<DateTime<Utc>>().ok()?;
        return Some(since_start(at));
    }
    let chunk = span.events.iter().find(|event| {
        matches!(
            event.name.as_ref(),
            b"gen_ai.content.completion.chunk" | b"First Token Stream Event"
        )
    })?;
    time(chunk.time).map(since_start)
}

/// Asked for, sent upstream, answered by: three names, and the provider.
fn models(call: &mut Call, attrs: &Attrs, kind: Kind) {
    let deployed = attrs.text(&["litellm.provider.model"]);
    let said = attrs.text(&[
        "gen_ai.provider.name",
        "gen_ai.system",
        "llm.provider",
        "llm.system",
        "ai.model.provider",
    ]);
    let requested = attrs.text(&["gen_ai.request.model", "llm.request.model_name", "ai.model.id"]);
    let asked = match kind {
        Kind::LiteLlmV1 => attrs
            .text(&["litellm.model_group"])
            .or(requested)
            .map(str::to_owned),
        Kind::OpenInference => requested.map(str::to_owned).or_else(|| asked_in_json(attrs)),
        _ => requested.map(str::to_owned),
    };
    call.requested_alias = asked;
    let (prefix, model) = deployed.map_or((None, None), |name| {
        let (prefix, model) = canonical::split_model(name, said);
        (prefix, Some(model.to_owned()))
    });
    call.provider = said.and_then(canonical::provider).or(prefix);
    if call.beside.gateway && !refused_before_any_model(attrs) {
        call.route_model = model;
    }
    if call.beside.gateway && call.provider.is_none() && call.route_model.is_some() {
        call.provider = deployed.and_then(|name| canonical::provider(name.split_once('/')?.0));
    }
    let hidden = attrs.json(&["hidden_params"]);
    let hidden = |name: &str| Some(hidden.as_ref()?.get(name)?.as_str()?.to_owned());
    call.deployment_id = hidden("model_id").or_else(|| attrs.text(&["litellm.model_id"]).map(str::to_owned));
    if call.beside.gateway && call.status == Status::Success {
        // A miss has no key here; LiteLLM's second integration does not tell hits apart.
        call.cache_hit = attrs
            .flag(&["litellm.cache_hit"])
            .or_else(|| hidden("cache_key").map(|_| true));
    }
}

/// OpenInference keeps the request as JSON.
fn asked_in_json(attrs: &Attrs) -> Option<String> {
    #[derive(Deserialize)]
    struct Asked {
        model: String,
    }
    let keys = [
        "llm.invocation_parameters",
        "embedding.invocation_parameters",
        "input.value",
    ];
    keys.iter()
        .find_map(|key| serde_json::from_str::<Asked>(attrs.text(&[key])?).ok())
        .map(|asked| asked.model)
}

/// Whether LiteLLM refused the request itself: wrong key, unknown alias, guardrail, budget.
fn refused_before_any_model(attrs: &Attrs) -> bool {
    attrs
        .text(&["error.type"])
        .is_some_and(crate::gateways::litellm::ingest::refuses)
}

/// The vendor's id and name for the answer, and why it ended.
fn answer(call: &mut Call, attrs: &Attrs, kind: Kind) {
    let reasons = ["gen_ai.response.finish_reasons", "gen_ai.response.finish_reason"];
    let word = attrs.texts(&reasons).into_iter().next();
    let word = word.or_else(|| {
        let keys = [
            "anthropic.message.stop_reason",
            "llm.finish_reason",
            "ai.response.finishReason",
            "langfuse.observation.metadata.finish_reason",
        ];
        attrs.text(&keys).map(|word| word.trim_matches('"').to_owned())
    });
    call.finish_reason = word.and_then(|word| canonical::finish_reason(&word));
    let model = attrs.text(&[
        "gen_ai.response.model",
        "llm.response.model_name",
        "ai.response.model",
    ]);
    if call.status != Status::Success {
        // On a failure these instrumentations write the requested model where the answering one belongs.
        if kind == Kind::Langfuse || call.requested_alias.is_none() {
            let asked = attrs.text(&["langfuse.observation.model.name", "llm.model_name"]);
            call.requested_alias = asked.map(str::to_owned).or_else(|| call.requested_alias.take());
        }
        return;
    }
    let told = attrs.text(&[
        "llm.model_name",
        "embedding.model_name",
        "langfuse.observation.model.name",
    ]);
    call.response_model = model.or(told).map(str::to_owned);
    if call.beside.gateway
        && call.response_model == call.requested_alias
        && call.response_model != call.route_model
    {
        call.response_model = None;
    }
    let id = attrs
        .text(&["gen_ai.response.id", "ai.response.id"])
        .map(str::to_owned);
    call.response_id = id
        .or_else(|| id_in_json(attrs))
        .filter(|id| Some(id) != call.call_group_id.as_ref());
}

fn id_in_json(attrs: &Attrs) -> Option<String> {
    #[derive(Deserialize)]
    struct Answer {
        id: String,
    }
    if let Some(id) = attrs.text(&["langfuse.observation.metadata.id"]) {
        return Some(id.trim_matches('"').to_owned());
    }
    let output = attrs
        .text(&["output.value"])
        .filter(|text| text.starts_with('{'))?;
    serde_json::from_str::<Answer>(output)
        .ok()
        .map(|answer| answer.id)
}

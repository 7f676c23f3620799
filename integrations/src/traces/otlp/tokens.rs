//! Token figures of a span, made inclusive: input with its cached part, output with its reasoning.

use serde_json::Value;
use workflow_engine::usage::call::{Call, Status, TokensSource};

use super::select::Kind;
use super::span::Attrs;

/// Sets the five figures and where they come from.
pub(super) fn fill(call: &mut Call, attrs: &Attrs, kind: Kind) {
    call.input_tokens = attrs.whole(&[
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.prompt_tokens",
        "llm.token_count.prompt",
        "llm.usage.prompt_tokens",
        "ai.usage.inputTokens",
        "ai.usage.promptTokens",
    ]);
    call.output_tokens = attrs.whole(&[
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.completion_tokens",
        "llm.token_count.completion",
        "llm.usage.completion_tokens",
        "ai.usage.outputTokens",
        "ai.usage.completionTokens",
    ]);
    call.cached_input_tokens = attrs.whole(&[
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_read_input_tokens",
        "gen_ai.usage.details.cache_read_tokens",
        "llm.token_count.prompt_details.cache_read",
        "llm.token_count.prompt_details.cache_input",
        "ai.usage.cachedInputTokens",
    ]);
    call.cache_write_tokens = attrs.whole(&[
        "gen_ai.usage.cache_write.input_tokens",
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
        "llm.token_count.prompt_details.cache_write",
    ]);
    call.reasoning_tokens = attrs.whole(&[
        "gen_ai.usage.reasoning.output_tokens",
        "gen_ai.usage.reasoning_tokens",
        "llm.token_count.completion_details.reasoning",
        "ai.usage.reasoningTokens",
    ]);
    match kind {
        Kind::AiSdk => ai_sdk(call, attrs),
        Kind::Langfuse => usage_object(call, attrs.json(&["langfuse.observation.usage_details"]).as_ref()),
        Kind::LiteLlmV1 => usage_object(call, attrs.json(&["metadata.usage_object"]).as_ref()),
        _ => {}
    }
    settle(call);
}

/// AI SDK tells one figure for embeddings, and Anthropic's figures without their cached part.
fn ai_sdk(call: &mut Call, attrs: &Attrs) {
    call.input_tokens = call.input_tokens.or_else(|| attrs.whole(&["ai.usage.tokens"]));
    let Some(metadata) = attrs.json(&["ai.response.providerMetadata"]) else {
        return;
    };
    let figure = |name: &str| metadata.pointer(&format!("/anthropic/usage/{name}"))?.as_u64();
    let Some(input) = figure("input_tokens") else {
        return;
    };
    call.cached_input_tokens = figure("cache_read_input_tokens").or(call.cached_input_tokens);
    call.cache_write_tokens = figure("cache_creation_input_tokens").or(call.cache_write_tokens);
    if call.input_tokens == Some(input) {
        let cached = call.cached_input_tokens.unwrap_or(0) + call.cache_write_tokens.unwrap_or(0);
        call.input_tokens = Some(input + cached);
    }
}

/// Fills what is missing from a vendor's own usage object, of either of OpenAI's shapes.
fn usage_object(call: &mut Call, usage: Option<&Value>) {
    let Some(usage) = usage else { return };
    let figure = |pointers: &[&str]| pointers.iter().find_map(|p| usage.pointer(p)?.as_u64());
    let fill = |field: &mut Option<u64>, pointers: &[&str]| {
        *field = field.or_else(|| figure(pointers));
    };
    fill(
        &mut call.input_tokens,
        &["/prompt_tokens", "/input_tokens", "/input"],
    );
    fill(
        &mut call.output_tokens,
        &["/completion_tokens", "/output_tokens", "/output"],
    );
    fill(
        &mut call.cached_input_tokens,
        &[
            "/prompt_tokens_details/cached_tokens",
            "/input_tokens_details/cached_tokens",
            "/cache_read_input_tokens",
        ],
    );
    fill(
        &mut call.cache_write_tokens,
        &[
            "/cache_creation_input_tokens",
            "/prompt_tokens_details/cache_creation_tokens",
            "/prompt_tokens_details/cache_write_tokens",
        ],
    );
    fill(
        &mut call.reasoning_tokens,
        &[
            "/completion_tokens_details/reasoning_tokens",
            "/output_tokens_details/reasoning_tokens",
        ],
    );
}

/// The rules that hold for every source: inclusive input, no figures where nothing was answered, honest provenance.
fn settle(call: &mut Call) {
    let cached = call.cached_input_tokens.unwrap_or(0) + call.cache_write_tokens.unwrap_or(0);
    if let Some(input) = call.input_tokens.filter(|input| *input < cached) {
        // Smaller than its own cached part: the reporter left that part out.
        call.input_tokens = Some(input + cached);
    }
    let nothing = call.input_tokens.unwrap_or(0) == 0 && call.output_tokens.unwrap_or(0) == 0;
    if call.status != Status::Success && nothing {
        call.input_tokens = None;
        call.output_tokens = None;
        call.cached_input_tokens = None;
        call.cache_write_tokens = None;
        call.reasoning_tokens = None;
    }
    if call.input_tokens.is_none() && call.output_tokens.is_none() {
        return;
    }
    // A gateway that lost the stream counts what it saw.
    let cut = call.stream == Some(true) && call.beside.gateway;
    let counted = cut && (call.status != Status::Success || call.output_tokens == Some(0));
    call.tokens_source = Some(if counted {
        TokensSource::Estimated
    } else {
        TokensSource::Reported
    });
}

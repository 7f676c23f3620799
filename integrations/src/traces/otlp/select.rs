//! Which spans are calls to a model, and by whose convention.

use super::span::Span;

/// The convention by which a span is a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// No call: an agent, a step, a tool, a router, an HTTP request.
    None,
    /// LiteLLM's first OpenTelemetry integration.
    LiteLlmV1,
    /// LiteLLM's second one, which follows the conventions but puts the alias where the model belongs.
    LiteLlmV2,
    /// OpenInference.
    OpenInference,
    /// Langfuse's SDK.
    Langfuse,
    /// Vercel's AI SDK.
    AiSdk,
    /// OpenTelemetry's conventions, of any edition.
    GenAi,
}

const CLIENT: i32 = 3;

/// A model's name on a span proves nothing: LiteLLM stamps it on routers and HTTP spans too.
pub(super) fn kind(span: &Span) -> Kind {
    let attrs = &span.attrs;
    if span.scope.as_ref() == b"litellm" && span.name.as_ref() == b"litellm_request" {
        return Kind::LiteLlmV1;
    }
    if let Some(kind) = attrs.text(&["openinference.span.kind"]) {
        return choose(matches!(kind, "LLM" | "EMBEDDING"), Kind::OpenInference);
    }
    if let Some(kind) = attrs.text(&["langfuse.observation.type"]) {
        return choose(matches!(kind, "generation" | "embedding"), Kind::Langfuse);
    }
    if let Some(operation) = attrs.text(&["ai.operationId"]) {
        let call = ["doGenerate", "doStream", "doEmbed"]
            .iter()
            .any(|end| operation.ends_with(end));
        return choose(call, Kind::AiSdk);
    }
    let operation = attrs.text(&["gen_ai.operation.name"]);
    let call = match operation {
        Some(name) => matches!(
            name,
            "chat" | "generate_content" | "text_completion" | "embeddings"
        ),
        // What instrumentations wrote before the attribute existed.
        None => matches!(
            attrs.text(&["llm.request.type"]),
            Some("chat" | "completion" | "embedding")
        ),
    };
    if !call || span.kind != CLIENT {
        return Kind::None;
    }
    choose(
        true,
        if attrs.get("litellm.call_id").is_some() {
            Kind::LiteLlmV2
        } else {
            Kind::GenAi
        },
    )
}

fn choose(call: bool, kind: Kind) -> Kind {
    if call { kind } else { Kind::None }
}

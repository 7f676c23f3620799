//! One word for what every vendor and gateway calls differently: providers, error classes, finish reasons.

use super::call::{ErrorClass, FinishReason};

/// OpenTelemetry's name for a provider that is called `name` somewhere; an unknown name is kept as it is.
#[must_use]
pub fn provider(name: &str) -> Option<String> {
    let name = name.trim().to_ascii_lowercase();
    if name.is_empty() {
        return None;
    }
    // AI SDK writes `openai.chat`, `anthropic.messages`; the family is what counts.
    let known = |text: &str| {
        Some(match text {
            "openai" | "text-completion-openai" | "openai_like" | "custom_openai" => "openai",
            "azure" | "azure_text" | "az.ai.openai" | "azure_openai" | "azure-openai" | "azure.ai.openai" => {
                "azure.ai.openai"
            }
            "azure_ai" | "az.ai.inference" | "azure.ai.inference" => "azure.ai.inference",
            "anthropic" | "anthropic_text" | "claude" => "anthropic",
            "bedrock" | "bedrock_converse" | "amazon-bedrock" | "aws_bedrock" | "aws.bedrock" => {
                "aws.bedrock"
            }
            "vertex_ai" | "vertex_ai_beta" | "vertexai" | "google-vertex" | "gcp.vertex_ai" => {
                "gcp.vertex_ai"
            }
            "gemini" | "google" | "google_ai_studio" | "google-generative-ai" | "gcp.gemini" => "gcp.gemini",
            "gcp.gen_ai" => "gcp.gen_ai",
            "mistral" | "mistralai" | "mistral_ai" => "mistral_ai",
            "cohere" | "cohere_chat" => "cohere",
            "groq" => "groq",
            "deepseek" => "deepseek",
            "perplexity" => "perplexity",
            "xai" | "x_ai" | "x-ai" => "x_ai",
            "watsonx" | "ibm.watsonx.ai" => "ibm.watsonx.ai",
            "moonshot" | "moonshot_ai" => "moonshot_ai",
            _ => return None,
        })
    };
    let family = name.split_once('.').map_or(name.as_str(), |(family, _)| family);
    Some(known(&name).or_else(|| known(family)).unwrap_or(&name).to_owned())
}

/// `anthropic/claude-sonnet-4-5` as (`Some("anthropic")`, `claude-sonnet-4-5`). Only the first part that is a
/// provider's name goes: `openai/meta/llama-3` keeps `meta/llama-3`.
#[must_use]
pub fn split_model<'a>(model: &'a str, provider_hint: Option<&str>) -> (Option<String>, &'a str) {
    let Some((prefix, rest)) = model.split_once('/') else {
        return (None, model);
    };
    let hinted = provider_hint.is_some_and(|hint| hint.eq_ignore_ascii_case(prefix));
    let canonical = provider(prefix);
    let known = canonical.as_deref() != Some(&prefix.to_ascii_lowercase())
        || matches!(
            prefix,
            "openai" | "anthropic" | "cohere" | "groq" | "deepseek" | "perplexity"
        );
    if hinted || known {
        (canonical, rest)
    } else {
        (None, model)
    }
}

/// The class of an error from whatever the reporter gives: an exception's name, a status, a message.
#[must_use]
pub fn error_class(kind: &str, code: Option<u16>, message: &str) -> ErrorClass {
    by_text(&kind.to_ascii_lowercase())
        .or_else(|| by_message(&message.to_ascii_lowercase()))
        .or_else(|| code.and_then(by_code))
        .unwrap_or(ErrorClass::Unknown)
}

fn by_text(kind: &str) -> Option<ErrorClass> {
    use ErrorClass as E;
    let has = |words: &[&str]| words.iter().any(|word| kind.contains(word));
    Some(match kind {
        _ if has(&["guardrail", "blockedpii"]) => E::Guardrail,
        _ if has(&["budget"]) => E::Budget,
        _ if has(&["contextwindow", "context_length", "contextlength"]) => E::ContextLength,
        _ if has(&["contentpolicy", "content_filter", "contentfilter"]) => E::ContentFilter,
        _ if has(&[
            "ratelimit",
            "rate_limit",
            "throttl",
            "toomanyrequests",
            "resourceexhausted",
        ]) =>
        {
            E::RateLimit
        }
        _ if has(&["overloaded", "serviceunavailable", "service_unavailable"]) => E::Overloaded,
        _ if has(&["timeout", "deadline"]) => E::Timeout,
        _ if has(&["cancel", "clientdisconnect", "aborterror"]) => E::Cancelled,
        _ if has(&[
            "authentication",
            "permission",
            "unauthorized",
            "forbidden",
            "proxyexception",
        ]) =>
        {
            E::Auth
        }
        _ if has(&["notfound", "not_found"]) => E::NotFound,
        _ if has(&["connect", "readerror", "protocolerror", "transport"]) => E::Connection,
        _ if has(&["internalserver", "server_error", "servererror", "badgateway"]) => E::ServerError,
        _ => return None,
    })
}

fn by_message(message: &str) -> Option<ErrorClass> {
    use ErrorClass as E;
    let has = |words: &[&str]| words.iter().any(|word| message.contains(word));
    Some(match message {
        _ if has(&[
            "maximum context length",
            "context_length_exceeded",
            "prompt is too long",
        ]) =>
        {
            E::ContextLength
        }
        _ if has(&["content management policy", "content_filter"]) => E::ContentFilter,
        _ if has(&["rate limit", "rate_limit", "error code: 429"]) => E::RateLimit,
        _ if has(&["overloaded", "error code: 529"]) => E::Overloaded,
        _ if has(&["timed out", "timeout"]) => E::Timeout,
        _ if has(&["error code: 401", "error code: 403", "invalid api key"]) => E::Auth,
        _ if has(&["error code: 404"]) => E::NotFound,
        _ if has(&["error code: 400"]) => E::BadRequest,
        _ if has(&["error code: 5", "server had an error"]) => E::ServerError,
        _ => return None,
    })
}

fn by_code(code: u16) -> Option<ErrorClass> {
    Some(match code {
        401 | 403 => ErrorClass::Auth,
        404 => ErrorClass::NotFound,
        408 | 504 => ErrorClass::Timeout,
        429 => ErrorClass::RateLimit,
        499 => ErrorClass::Cancelled,
        503 | 529 => ErrorClass::Overloaded,
        400..=498 => ErrorClass::BadRequest,
        500..=599 => ErrorClass::ServerError,
        _ => return None,
    })
}

/// The reason an answer ended, from any vendor's word for it.
#[must_use]
pub fn finish_reason(word: &str) -> Option<FinishReason> {
    Some(match word.trim().to_ascii_lowercase().as_str() {
        "stop" | "end_turn" | "stop_sequence" | "eos" | "completed" | "complete" | "stop-sequence" => {
            FinishReason::Stop
        }
        "length" | "max_tokens" | "max_output_tokens" | "incomplete" => FinishReason::Length,
        "tool_calls" | "tool_call" | "tool-calls" | "tool_use" | "function_call" => FinishReason::ToolCalls,
        "content_filter" | "content-filter" | "safety" | "refusal" | "recitation" => {
            FinishReason::ContentFilter
        }
        "cancelled" | "canceled" | "aborted" => FinishReason::Cancelled,
        "error" | "failed" => FinishReason::Error,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn providers_get_opentelemetrys_names() {
        for (given, wanted) in [
            ("azure", "azure.ai.openai"),
            ("openai.chat", "openai"),
            ("openai.responses", "openai"),
            ("anthropic.messages", "anthropic"),
            ("gemini", "gcp.gemini"),
            ("Bedrock", "aws.bedrock"),
            ("azure.ai.inference", "azure.ai.inference"),
            ("house-vllm", "house-vllm"),
        ] {
            assert_eq!(provider(given).as_deref(), Some(wanted), "{given}");
        }
        assert_eq!(provider(" "), None);
    }

    #[test]
    fn only_a_providers_prefix_leaves_a_model_name() {
        assert_eq!(
            split_model("anthropic/claude-sonnet-4-5", None),
            (Some("anthropic".to_owned()), "claude-sonnet-4-5")
        );
        assert_eq!(
            split_model("openai/meta/llama-3", Some("openai")),
            (Some("openai".to_owned()), "meta/llama-3")
        );
        assert_eq!(split_model("meta/llama-3", None), (None, "meta/llama-3"));
        assert_eq!(split_model("gpt-4o-mini", Some("openai")), (None, "gpt-4o-mini"));
    }

    #[test]
    fn errors_fall_into_the_classes_of_the_surfaces_page() {
        use ErrorClass as E;
        for (kind, code, message, class) in [
            ("GuardrailRaisedException", None, "", E::Guardrail),
            ("RateLimitError", Some(429), "", E::RateLimit),
            ("overloaded_error", None, "", E::Overloaded),
            ("ContextWindowExceededError", Some(400), "", E::ContextLength),
            (
                "BadRequestError",
                Some(400),
                "maximum context length is 128000",
                E::ContextLength,
            ),
            ("BadRequestError", Some(400), "", E::BadRequest),
            ("ReadError", None, "payload is not completed", E::Connection),
            ("AI_APICallError", None, "Rate limit reached", E::RateLimit),
            ("ProxyException", Some(400), "No connected db.", E::Auth),
            ("ProxyModelNotFoundError", Some(400), "", E::NotFound),
            ("", None, "", E::Unknown),
        ] {
            assert_eq!(error_class(kind, code, message), class, "{kind}");
        }
    }
}

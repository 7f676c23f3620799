//! What reading an answer has in common: what is no answer, another model, usage that cannot be true.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use workflow_engine::ports::model::{Completion, Defect, ToolCall, Usage};

/// Reads an answer's JSON, or says in one sentence why it is none.
pub(super) fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(|error| unreadable(bytes, &error))
}

fn unreadable(bytes: &[u8], error: &serde_json::Error) -> String {
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    match first {
        None => "the answer is empty".to_owned(),
        Some(b'<') => {
            "the answer is a web page, not JSON: something between us and the vendor answered".to_owned()
        }
        Some(_) if error.is_eof() => format!("the answer is cut short after {} bytes", bytes.len()),
        Some(_) => format!("the answer is not what this vendor sends ({error})"),
    }
}

/// Names what is wrong with an answer that could be read, and leaves out usage that cannot be true.
pub(super) fn checked(
    asked: &str,
    mut read: Completion,
    usage: Result<Usage, Defect>,
    raw_usage: Value,
) -> Completion {
    if read.tool_calls.iter().any(|call| !is_object(&call.arguments)) {
        read.defects.push(Defect::BrokenArguments);
    }
    if read
        .response_model
        .as_deref()
        .is_some_and(|model| !same_model(asked, model))
    {
        read.defects.push(Defect::OtherModel);
    }
    match usage.and_then(believable) {
        Ok(usage) => {
            read.usage = Some(usage);
            read.raw_usage = Some(raw_usage);
        }
        Err(defect) => read.defects.push(defect),
    }
    read
}

fn believable(usage: Usage) -> Result<Usage, Defect> {
    let holds =
        usage.cached_input_tokens <= usage.input_tokens && usage.reasoning_tokens <= usage.output_tokens;
    if holds { Ok(usage) } else { Err(Defect::BadUsage) }
}

/// Counts of a vendor's usage object.
pub(super) struct Counts<'usage>(&'usage Value);

impl<'usage> Counts<'usage> {
    /// Of that object; a defect when there is none.
    pub(super) fn of(raw: &'usage Value) -> Result<Self, Defect> {
        if raw.is_object() {
            Ok(Self(raw))
        } else {
            Err(Defect::NoUsage)
        }
    }

    /// A count that must be there.
    pub(super) fn required(&self, pointer: &str) -> Result<u64, Defect> {
        self.0
            .pointer(pointer)
            .and_then(Value::as_u64)
            .ok_or(Defect::BadUsage)
    }

    /// A count that may be left out.
    pub(super) fn optional(&self, pointer: &str) -> Result<u64, Defect> {
        match self.0.pointer(pointer) {
            None | Some(Value::Null) => Ok(0),
            Some(value) => value.as_u64().ok_or(Defect::BadUsage),
        }
    }
}

/// Usage as Anthropic counts, there and behind Bedrock: input is what no cache served. `names` are those of the counts:
/// input, read from caches, written to caches, output.
pub(super) fn usage_beside_caches(raw: &Value, names: [&str; 4]) -> Result<Usage, Defect> {
    let counts = Counts::of(raw)?;
    let [input, read, written, output] = names;
    let cached = counts.optional(read)?;
    Ok(Usage {
        input_tokens: counts.required(input)? + cached + counts.optional(written)?,
        cached_input_tokens: cached,
        output_tokens: counts.required(output)?,
        reasoning_tokens: 0,
    })
}

/// Why a model of Anthropic's, or one behind Bedrock, stopped: in OpenAI's words, which the checks read; others as they are.
pub(super) fn finish_reason(word: &str) -> String {
    match word {
        "end_turn" | "stop_sequence" => "stop",
        "max_tokens" | "model_context_window_exceeded" => "length",
        "tool_use" => "tool_calls",
        "refusal" | "guardrail_intervened" | "content_filtered" => "content_filter",
        other => other,
    }
    .to_owned()
}

/// A tool call whose arguments came as an object.
pub(super) fn tool_call(name: &str, arguments: &Value) -> ToolCall {
    ToolCall {
        name: name.to_owned(),
        arguments: match arguments {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            object => object.to_string(),
        },
    }
}

/// Text, unless it is empty.
pub(super) fn some_text(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn is_object(text: &str) -> bool {
    serde_json::from_str::<Map<String, Value>>(text).is_ok()
}

/// `gpt-4o` may be answered by `gpt-4o-2024-08-06` or `gemini-2.5-pro-001`; a path before the name (`openai/`,
/// `models/`) is not part of it.
fn same_model(asked: &str, answered: &str) -> bool {
    let bare = |name: &str| name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase();
    let (asked, answered) = (bare(asked), bare(answered));
    answered == asked
        || answered
            .strip_prefix(&asked)
            .and_then(|rest| rest.strip_prefix('-'))
            .is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
}

/// The vendor's own sentence in an error body: OpenAI's and Anthropic's `error.message`, FastAPI's `detail`, AWS'
/// `message`.
pub(super) fn error_message(bytes: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(bytes).ok()?;
    let message = ["/error/message", "/error", "/message", "/Message", "/detail"]
        .iter()
        .find_map(|pointer| body.pointer(pointer)?.as_str())?;
    Some(crate::http::snippet(message.as_bytes()))
}

/// OpenAI says 429 for a rate limit and for an empty account; only the first passes by itself.
pub(super) fn out_of_quota(bytes: &[u8]) -> bool {
    serde_json::from_slice::<Value>(bytes).is_ok_and(|body| {
        ["/error/code", "/error/type"]
            .iter()
            .any(|at| body.pointer(at) == Some(&Value::from("insufficient_quota")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_may_be_answered_by_its_dated_version_and_by_nothing_else() {
        assert!(same_model("gpt-4o", "gpt-4o-2024-08-06"));
        assert!(same_model("openai/gpt-4o", "gpt-4o"));
        assert!(same_model("claude-sonnet-4-5", "claude-sonnet-4-5-20250929"));
        assert!(!same_model("gpt-4o", "gpt-4o-mini"));
        assert!(!same_model("gpt-4o-2024-08-06", "gpt-4o-2024-05-13"));
    }
}

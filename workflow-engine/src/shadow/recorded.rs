//! A recorded call as the shadow test sees it: what can be replayed, and why the rest cannot.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::mirror::Partner;
use crate::{
    ports::model::{ReplayInput, ToolCall},
    usage::{
        call::{Call, FinishReason, Status},
        report::Content,
    },
    values::Usd,
};

/// What the plan needs to know of a recorded call; its content is read only if it is sampled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallHead {
    /// The call's id: names the trace in the sample and in the report.
    pub trace_id: String,
    /// When it began.
    pub at: DateTime<Utc>,
    /// The kind of request, where the workflow's tags name one.
    pub kind: Option<String>,
    /// Session or user: calls of one cluster are not independent.
    pub cluster: Option<String>,
    /// Tokens of its prompt, where they were reported.
    #[serde(default)]
    pub input_tokens: Option<u64>,
    /// Its own data class, where a tag names one.
    #[serde(default)]
    pub data_class: Option<String>,
    /// What makes it unfit, as far as its row can tell.
    pub unfit: Option<Unfit>,
    /// The mirror call beside it, where a test takes pairs that a gateway has made.
    #[serde(skip)]
    pub mirror: Option<Partner>,
}

/// Why a recorded call is not replayed. Counted and shown, because leaving calls out can bias the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unfit {
    /// It failed or was blocked.
    Failed,
    /// A cache answered it.
    CacheHit,
    /// A fallback answered it.
    Fallback,
    /// It was a test or a mirror itself.
    Shadow,
    /// Its prompt was not kept.
    NoContent,
    /// Its prompt was masked or cut.
    Masked,
    /// Its answer was cut short.
    CutShort,
    /// Its system prompt was not kept.
    NoSystemPrompt,
    /// Its tools were not kept.
    NoTools,
    /// A file of its prompt is not there any more.
    Attachment,
    /// Its prompt depends on the moment at which it was asked.
    TimeDependent,
    /// Its prompt holds a key or a token, which nobody else should see.
    Secret,
    /// No mirror call stands beside it.
    NoPartner,
    /// Several mirror calls, or several live ones, could go with it.
    TwoPartners,
    /// It, or its mirror, is of another model than the change is about.
    WrongModel,
}

impl Unfit {
    /// The words a person reads.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Failed => "failed or blocked",
            Self::CacheHit => "answered from a cache",
            Self::Fallback => "answered by a fallback",
            Self::Shadow => "a test call itself",
            Self::NoContent => "prompt not kept",
            Self::Masked => "prompt masked or cut",
            Self::CutShort => "answer cut short",
            Self::NoSystemPrompt => "system prompt not kept",
            Self::NoTools => "tools not kept",
            Self::Attachment => "attachment gone",
            Self::TimeDependent => "depends on the moment",
            Self::Secret => "holds a key or token",
            Self::NoPartner => "without a mirror call",
            Self::TwoPartners => "with several mirror calls",
            Self::WrongModel => "of another model",
        }
    }

    /// The word in the plan and in the report.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::CacheHit => "cache_hit",
            Self::Fallback => "fallback",
            Self::Shadow => "shadow",
            Self::NoContent => "no_content",
            Self::Masked => "masked",
            Self::CutShort => "cut_short",
            Self::NoSystemPrompt => "no_system_prompt",
            Self::NoTools => "no_tools",
            Self::Attachment => "attachment",
            Self::TimeDependent => "time_dependent",
            Self::Secret => "secret",
            Self::NoPartner => "no_partner",
            Self::TwoPartners => "two_partners",
            Self::WrongModel => "wrong_model",
        }
    }
}

/// A sampled call with its content.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordedCall {
    /// As in its head.
    pub trace_id: String,
    /// What is asked again.
    pub input: ReplayInput,
    /// What was answered then.
    pub answer: RecordedAnswer,
    /// What should have been answered, where somebody has said so.
    pub reference: Option<Reference>,
}

/// What a recorded call was answered, and what it took.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RecordedAnswer {
    /// Text, if any.
    pub text: Option<String>,
    /// Tools it wanted called.
    pub tool_calls: Vec<ToolCall>,
    /// Why it stopped.
    pub finish_reason: Option<String>,
    /// A structured refusal.
    pub refusal: Option<String>,
    /// What it cost by our prices.
    pub cost_usd: Option<Usd>,
    /// How long it took.
    pub latency_ms: Option<f64>,
    /// Time to the first token.
    pub ttft_ms: Option<f64>,
    /// All input tokens.
    pub input_tokens: Option<u64>,
    /// All output tokens.
    pub output_tokens: Option<u64>,
}

/// A right answer that a person or an evaluation set has given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    /// The tools that should be called; an empty list means that none should, none that nobody has said.
    pub tool_calls: Option<Vec<ToolCall>>,
    /// The text that should be answered.
    #[serde(default)]
    pub text: Option<String>,
}

/// What a stored row tells of its call. `kind_prefix` begins the tag that names the kind of request.
#[must_use]
pub fn head(call: &Call, has_content: bool, kind_prefix: Option<&str>) -> CallHead {
    let kind = kind_prefix.and_then(|prefix| call.tags.iter().find_map(|tag| tag.strip_prefix(prefix)));
    CallHead {
        trace_id: call.id.to_string(),
        at: call.started_at,
        kind: kind.map(str::to_owned),
        cluster: call
            .beside
            .extra
            .get("session_id")
            .or(call.end_user.as_ref())
            .cloned(),
        input_tokens: call.input_tokens,
        data_class: call
            .tags
            .iter()
            .find_map(|tag| tag.strip_prefix("data_class:"))
            .map(str::to_owned),
        unfit: unfit(call, has_content),
        mirror: None,
    }
}

fn unfit(call: &Call, has_content: bool) -> Option<Unfit> {
    let cut = [FinishReason::Length, FinishReason::Cancelled, FinishReason::Error];
    let fallback = match (&call.requested_alias, &call.beside.alias) {
        // The reporter named another group than the one that was first asked for.
        (Some(asked), Some(reported)) => asked != reported,
        _ => false,
    };
    let reasons = [
        (call.is_shadow || call.is_internal, Unfit::Shadow),
        (call.status != Status::Success, Unfit::Failed),
        (call.cache_hit == Some(true), Unfit::CacheHit),
        (fallback, Unfit::Fallback),
        (
            call.finish_reason.is_some_and(|reason| cut.contains(&reason)),
            Unfit::CutShort,
        ),
        (!has_content, Unfit::NoContent),
    ];
    reasons
        .into_iter()
        .find(|(holds, _)| *holds)
        .map(|(_, reason)| reason)
}

/// A call with its content, ready to be replayed; none when its prompt is no conversation (masked, or of another kind).
#[must_use]
pub fn recorded(call: &Call, content: &Content) -> Option<RecordedCall> {
    let messages = content
        .messages
        .as_array()
        .filter(|messages| !messages.is_empty())?;
    if messages
        .iter()
        .any(|message| message["content"].as_str().is_some_and(is_masked))
    {
        return None;
    }
    let mut parameters: BTreeMap<String, Value> =
        serde_json::from_value(content.parameters.clone()).unwrap_or_default();
    let reference = reference(&parameters);
    // Who asked, and labels of the application, are nothing that a vendor needs to see again.
    for private in [
        "metadata",
        "user",
        "safety_identifier",
        "store",
        "stream",
        "stream_options",
        "n",
    ] {
        parameters.remove(private);
    }
    let tools = Some(&content.tools).filter(|tools| tools.as_array().is_some_and(|tools| !tools.is_empty()));
    Some(RecordedCall {
        trace_id: call.id.to_string(),
        input: ReplayInput {
            messages: content.messages.clone(),
            tools: tools.cloned(),
            parameters,
        },
        answer: answer(call, &content.response),
        reference,
    })
}

/// What gateways write in place of a prompt that they may not show.
fn is_masked(text: &str) -> bool {
    text.starts_with("redacted-by-") || text == "[REDACTED]"
}

/// The right answer, where the application or an evaluation set sent one along: `metadata.reference_tool_calls`, the
/// calls as JSON or as JSON text, `[{"name": …, "arguments": {…}}]`, and `metadata.reference_answer`, a text.
fn reference(parameters: &BTreeMap<String, Value>) -> Option<Reference> {
    let metadata = parameters.get("metadata")?;
    let reference = Reference {
        tool_calls: metadata.get("reference_tool_calls").and_then(reference_calls),
        text: metadata["reference_answer"].as_str().map(str::to_owned),
    };
    (reference != Reference::default()).then_some(reference)
}

fn reference_calls(given: &Value) -> Option<Vec<ToolCall>> {
    let calls: Vec<Value> = match given {
        Value::String(text) => serde_json::from_str(text).ok()?,
        other => other.as_array()?.clone(),
    };
    calls.iter().map(tool_call).collect()
}

/// `{"name", "arguments"}`, alone or under `function`.
fn tool_call(value: &Value) -> Option<ToolCall> {
    let function = value.get("function").unwrap_or(value);
    let arguments = match &function["arguments"] {
        Value::String(text) => text.clone(),
        Value::Null => "{}".to_owned(),
        other => other.to_string(),
    };
    Some(ToolCall {
        name: function["name"].as_str()?.to_owned(),
        arguments,
    })
}

/// The answer then: a message, or a whole response with its first choice.
pub(super) fn answer(call: &Call, response: &Value) -> RecordedAnswer {
    let choice = &response["choices"][0];
    let message = match choice.get("message") {
        Some(message) => message,
        None => response,
    };
    let calls = message["tool_calls"].as_array().into_iter().flatten();
    RecordedAnswer {
        text: message["content"]
            .as_str()
            .filter(|text| !text.is_empty())
            .map(str::to_owned),
        tool_calls: calls.filter_map(tool_call).collect(),
        finish_reason: choice["finish_reason"].as_str().map(str::to_owned),
        refusal: message["refusal"].as_str().map(str::to_owned),
        cost_usd: call.cost_usd,
        latency_ms: call.latency_ms,
        ttft_ms: call.ttft_ms,
        input_tokens: call.input_tokens,
        output_tokens: call.output_tokens,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call() -> Call {
        Call::new("litellm", "r1", DateTime::UNIX_EPOCH)
    }

    fn content() -> Content {
        Content {
            messages: json!([{"role": "user", "content": "Where is order 7?"}]),
            tools: json!([{"type": "function", "function": {"name": "order_status"}}]),
            parameters: json!({"temperature": 0.2, "user": "u-9", "metadata": {
                "reference_tool_calls": "[{\"name\":\"order_status\",\"arguments\":{\"order_id\":7}}]"}}),
            response: json!({"choices": [{"finish_reason": "tool_calls", "message": {"content": null, "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "order_status", "arguments": "{\"order_id\": 7}"}}]}}]}),
        }
    }

    #[test]
    fn a_stored_call_becomes_a_question_without_who_asked_it() {
        let recorded = recorded(&call(), &content()).unwrap();
        assert_eq!(
            recorded.input.parameters,
            BTreeMap::from([("temperature".to_owned(), json!(0.2))])
        );
        assert_eq!(recorded.answer.tool_calls[0].name, "order_status");
        assert_eq!(
            recorded.reference.unwrap().tool_calls.unwrap()[0].arguments,
            r#"{"order_id":7}"#
        );
    }

    #[test]
    fn a_masked_prompt_is_not_replayed() {
        let mut content = content();
        content.messages = json!([{"role": "user", "content": "redacted-by-litellm"}]);
        assert_eq!(recorded(&call(), &content), None);
    }

    #[test]
    fn what_cannot_be_replayed_says_why() {
        let mut cached = call();
        cached.cache_hit = Some(true);
        cached.tags = vec!["kind:refund".to_owned()];
        let head = head(&cached, true, Some("kind:"));
        assert_eq!(
            (head.kind.as_deref(), head.unfit),
            (Some("refund"), Some(Unfit::CacheHit))
        );
        assert_eq!(super::head(&call(), false, None).unfit, Some(Unfit::NoContent));
        assert_eq!(super::head(&call(), true, None).unfit, None);
    }
}

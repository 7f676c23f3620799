//! OpenAI's JSON for chat completions: written strictly, read tolerantly.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use workflow_engine::{
    ports::model::{Completion, Defect, ReplayInput, ToolCall, Usage},
    values::Hop,
};

/// The body of a request: recorded parameters, then the route's own over them, never streamed.
pub(super) fn request(hop: &Hop, input: &ReplayInput) -> Value {
    let mut body = Map::new();
    body.extend(input.parameters.clone());
    body.extend(
        hop.parameters
            .iter()
            .map(|(name, text)| (name.clone(), parameter(text))),
    );
    body.insert("model".to_owned(), json!(hop.model));
    body.insert("messages".to_owned(), input.messages.clone());
    if let Some(tools) = &input.tools {
        body.insert("tools".to_owned(), tools.clone());
    }
    // One choice, whole: what the checks compare.
    body.insert("n".to_owned(), json!(1));
    body.insert("stream".to_owned(), json!(false));
    body.remove("stream_options");
    Value::Object(body)
}

/// Routes keep parameters as text so that they hash the same everywhere; vendors want numbers and flags.
fn parameter(text: &str) -> Value {
    serde_json::from_str(text)
        .ok()
        .filter(|value: &Value| !value.is_string())
        .unwrap_or_else(|| json!(text))
}

#[derive(Deserialize)]
struct Body {
    id: Option<String>,
    model: Option<String>,
    #[serde(default)]
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Value,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    message: Message,
    finish_reason: Option<String>,
}

#[derive(Default, Deserialize)]
struct Message {
    #[serde(default)]
    content: Value,
    refusal: Option<String>,
    tool_calls: Option<Vec<Call>>,
}

#[derive(Deserialize)]
struct Call {
    function: Function,
}

#[derive(Deserialize)]
struct Function {
    name: String,
    #[serde(default)]
    arguments: Value,
}

/// Reads a successful answer; times and attempts are the caller's.
///
/// The error says in one sentence what could not be read.
pub(super) fn completion(asked: &str, bytes: &[u8]) -> Result<Completion, String> {
    let body: Body = serde_json::from_slice(bytes).map_err(|error| unreadable(bytes, &error))?;
    let mut defects = Vec::new();
    if body.choices.len() > 1 {
        defects.push(Defect::ManyChoices);
    }
    let Some(choice) = body.choices.into_iter().next() else {
        return Err("the answer has no choice".to_owned());
    };
    let tool_calls: Vec<ToolCall> = choice
        .message
        .tool_calls
        .unwrap_or_default()
        .into_iter()
        .map(call)
        .collect();
    if tool_calls.iter().any(|call| !is_object(&call.arguments)) {
        defects.push(Defect::BrokenArguments);
    }
    if body
        .model
        .as_deref()
        .is_some_and(|model| !same_model(asked, model))
    {
        defects.push(Defect::OtherModel);
    }
    let usage = usage(&body.usage);
    defects.extend(usage.err());
    Ok(Completion {
        text: text(&choice.message.content),
        tool_calls,
        finish_reason: choice.finish_reason,
        refusal: choice.message.refusal.filter(|text| !text.is_empty()),
        usage: usage.ok(),
        raw_usage: usage.is_ok().then_some(body.usage),
        response_model: body.model,
        response_id: body.id,
        defects,
        ..Completion::default()
    })
}

fn unreadable(bytes: &[u8], error: &serde_json::Error) -> String {
    let start: Vec<u8> = bytes
        .iter()
        .copied()
        .skip_while(u8::is_ascii_whitespace)
        .take(1)
        .collect();
    match start.as_slice() {
        [] => "the answer is empty".to_owned(),
        b"<" => "the answer is a web page, not JSON: something between us and the vendor answered".to_owned(),
        _ if error.is_eof() => format!("the answer is cut short after {} bytes", bytes.len()),
        _ => format!("the answer is not a chat completion ({error})"),
    }
}

fn call(call: Call) -> ToolCall {
    // A few servers send arguments as an object instead of its text.
    let arguments = match call.function.arguments {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => other.to_string(),
    };
    ToolCall {
        name: call.function.name,
        arguments,
    }
}

fn is_object(text: &str) -> bool {
    serde_json::from_str::<Map<String, Value>>(text).is_ok()
}

/// Content is text, or a list of parts of which the texts count.
fn text(content: &Value) -> Option<String> {
    let text = match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// `gpt-4o` may be answered by `gpt-4o-2024-08-06`; a provider prefix (`openai/`) is not part of the name.
fn same_model(asked: &str, answered: &str) -> bool {
    let bare = |name: &str| name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase();
    let (asked, answered) = (bare(asked), bare(answered));
    answered == asked
        || answered
            .strip_prefix(&asked)
            .and_then(|rest| rest.strip_prefix('-'))
            .is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
}

/// Inclusive totals, or what is wrong with them.
fn usage(raw: &Value) -> Result<Usage, Defect> {
    if !raw.is_object() {
        return Err(Defect::NoUsage);
    }
    let optional = |pointer: &str| match raw.pointer(pointer) {
        None | Some(Value::Null) => Ok(0),
        Some(value) => value.as_u64().ok_or(Defect::BadUsage),
    };
    let required = |pointer: &str| {
        raw.pointer(pointer)
            .and_then(Value::as_u64)
            .ok_or(Defect::BadUsage)
    };
    let usage = Usage {
        input_tokens: required("/prompt_tokens")?,
        cached_input_tokens: optional("/prompt_tokens_details/cached_tokens")?,
        output_tokens: required("/completion_tokens")?,
        reasoning_tokens: optional("/completion_tokens_details/reasoning_tokens")?,
    };
    let believable =
        usage.cached_input_tokens <= usage.input_tokens && usage.reasoning_tokens <= usage.output_tokens;
    if believable {
        Ok(usage)
    } else {
        Err(Defect::BadUsage)
    }
}

/// The vendor's own sentence in an error body; OpenAI's `error.message`, or FastAPI's `detail`.
pub(super) fn error_message(bytes: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(bytes).ok()?;
    let message = ["/error/message", "/error", "/message", "/detail"]
        .iter()
        .find_map(|pointer| body.pointer(pointer)?.as_str())?;
    Some(crate::http::snippet(message.as_bytes()))
}

/// OpenAI says 429 for a rate limit and for an empty account; only the first passes by itself.
pub(super) fn out_of_quota(bytes: &[u8]) -> bool {
    serde_json::from_slice::<Value>(bytes).is_ok_and(|body| {
        ["/error/code", "/error/type"]
            .iter()
            .any(|at| body.pointer(at) == Some(&json!("insufficient_quota")))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn hop(parameters: &[(&str, &str)]) -> Hop {
        Hop {
            provider: "openai".to_owned(),
            model: "gpt-4o-2024-08-06".to_owned(),
            region: None,
            deployment: None,
            parameters: parameters
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
        }
    }

    fn read(body: &Value) -> Completion {
        completion("gpt-4o-2024-08-06", body.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn the_routes_parameters_go_before_the_recorded_ones_and_nothing_is_streamed() {
        let input = ReplayInput {
            messages: json!([{"role": "user", "content": "hi"}]),
            tools: None,
            parameters: BTreeMap::from([
                ("temperature".to_owned(), json!(1)),
                ("stream".to_owned(), json!(true)),
            ]),
        };
        let body = request(&hop(&[("temperature", "0.2"), ("service_tier", "flex")]), &input);
        assert_eq!(
            body,
            json!({"model": "gpt-4o-2024-08-06", "messages": [{"role": "user", "content": "hi"}],
                   "temperature": 0.2, "service_tier": "flex", "n": 1, "stream": false})
        );
    }

    #[test]
    fn a_comment_inside_arguments_is_kept_as_written_and_named() {
        let arguments = "{\"start_range\": 0, \"end_range\": 6.2832,  // 2 * pi\n}";
        let answer = read(
            &json!({"model": "gpt-4o-2024-08-06", "usage": {"prompt_tokens": 9, "completion_tokens": 4},
            "choices": [{"finish_reason": "tool_calls", "message": {"content": null,
                "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "plot", "arguments": arguments}}]}}]}),
        );
        assert_eq!(answer.tool_calls[0].arguments, arguments);
        assert_eq!(answer.defects, [Defect::BrokenArguments]);
    }

    #[test]
    fn usage_that_cannot_be_true_is_not_used() {
        let with = |usage: Value| read(&json!({"choices": [{"message": {"content": "a"}}], "usage": usage}));
        assert_eq!(with(json!(null)).defects, [Defect::NoUsage]);
        for usage in [
            json!({"prompt_tokens": -4, "completion_tokens": 2}),
            json!({"prompt_tokens": 4}),
            json!({"prompt_tokens": 4, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 9}}),
        ] {
            let answer = with(usage);
            assert_eq!(
                (answer.defects, answer.usage, answer.raw_usage),
                (vec![Defect::BadUsage], None, None)
            );
        }
    }

    #[test]
    fn another_model_and_more_choices_are_named() {
        let answer = read(
            &json!({"model": "gpt-4o-mini-2024-07-18", "usage": {"prompt_tokens": 1, "completion_tokens": 1},
            "choices": [{"message": {"content": "first"}}, {"message": {"content": "second"}}]}),
        );
        assert_eq!(answer.text.as_deref(), Some("first"));
        assert_eq!(answer.defects, [Defect::ManyChoices, Defect::OtherModel]);
    }

    #[test]
    fn an_alias_may_be_answered_by_its_dated_version_and_by_nothing_else() {
        assert!(same_model("gpt-4o", "gpt-4o-2024-08-06"));
        assert!(same_model("openai/gpt-4o", "gpt-4o"));
        assert!(!same_model("gpt-4o", "gpt-4o-mini"));
        assert!(!same_model("gpt-4o-2024-08-06", "gpt-4o-2024-05-13"));
    }

    #[test]
    fn what_is_no_answer_is_said_in_one_sentence() {
        let why = |bytes: &[u8]| completion("m", bytes).unwrap_err();
        assert_eq!(
            why(b"\n<html><body>Sign in</body></html>"),
            "the answer is a web page, not JSON: something between us and the vendor answered"
        );
        assert_eq!(
            why(br#"{"choices":[{"mess"#),
            "the answer is cut short after 18 bytes"
        );
        assert_eq!(why(b""), "the answer is empty");
        assert_eq!(why(br#"{"object":"list"}"#), "the answer has no choice");
    }
}

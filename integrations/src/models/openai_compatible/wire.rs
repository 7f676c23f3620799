//! OpenAI's JSON for chat completions: written strictly, read tolerantly.

use serde::Deserialize;
use serde_json::{Value, json};
use workflow_engine::{
    ports::model::{Completion, Defect, ReplayInput, ToolCall, Usage},
    values::Hop,
};

use super::super::{
    answer::{Counts, checked, json, some_text, tool_call},
    conversation::{parameters, words},
};

/// The body of a request: recorded parameters, then the route's own over them.
pub(super) fn request(hop: &Hop, input: &ReplayInput, streamed: bool) -> Value {
    let mut body = parameters(hop, input);
    body.insert("model".to_owned(), json!(hop.model));
    body.insert("messages".to_owned(), input.messages.clone());
    if let Some(tools) = &input.tools {
        body.insert("tools".to_owned(), tools.clone());
    }
    // One choice: what the checks compare.
    body.insert("n".to_owned(), json!(1));
    body.insert("stream".to_owned(), json!(streamed));
    if streamed {
        body.insert("stream_options".to_owned(), json!({"include_usage": true}));
    } else {
        body.remove("stream_options");
    }
    Value::Object(body)
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
    let body: Body = json(bytes)?;
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
        .map(|call| tool_call(&call.function.name, &call.function.arguments))
        .collect();
    let usage = usage(&body.usage);
    let read = Completion {
        text: some_text(words(&choice.message.content)),
        tool_calls,
        finish_reason: choice.finish_reason,
        refusal: choice.message.refusal.filter(|text| !text.is_empty()),
        response_model: body.model,
        response_id: body.id,
        defects,
        ..Completion::default()
    };
    Ok(checked(asked, read, usage, body.usage))
}

/// Inclusive totals, or what is wrong with them.
fn usage(raw: &Value) -> Result<Usage, Defect> {
    let counts = Counts::of(raw)?;
    Ok(Usage {
        input_tokens: counts.required("/prompt_tokens")?,
        cached_input_tokens: counts.optional("/prompt_tokens_details/cached_tokens")?,
        output_tokens: counts.required("/completion_tokens")?,
        reasoning_tokens: counts.optional("/completion_tokens_details/reasoning_tokens")?,
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
    fn the_routes_parameters_go_before_the_recorded_ones() {
        let input = ReplayInput {
            messages: json!([{"role": "user", "content": "hi"}]),
            tools: None,
            parameters: BTreeMap::from([
                ("temperature".to_owned(), json!(1)),
                ("stream".to_owned(), json!(true)),
            ]),
        };
        let body = request(
            &hop(&[("temperature", "0.2"), ("service_tier", "flex")]),
            &input,
            false,
        );
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

//! Prompt and answer of a span, in the shape of OpenAI's chat API.

use serde_json::{Value, json};
use workflow_engine::usage::report::Content;

use super::span::{Attrs, Span};

/// The content, if the span carries any.
pub(super) fn of(span: &Span) -> Option<Content> {
    let attrs = &span.attrs;
    let request = attrs.json(&["input.value", "langfuse.observation.input"]);
    let messages = [
        attrs.json(&["gen_ai.input.messages", "ai.prompt.messages"]),
        request
            .as_ref()
            .and_then(|request| request.get("messages").cloned()),
        request.as_ref().filter(|request| request.is_array()).cloned(),
    ];
    let mut messages = messages.into_iter().flatten().next()?.as_array()?.clone();
    if let Some(system) = attrs.json(&["gen_ai.system_instructions"]) {
        messages.insert(0, json!({"role": "system", "content": text_of(&system)}));
    }
    let tools = attrs
        .json(&["gen_ai.tool.definitions"])
        .or_else(|| request.as_ref()?.get("tools").cloned());
    Some(Content {
        messages: messages.iter().map(message).collect(),
        tools: tools.unwrap_or(Value::Null),
        parameters: parameters(attrs),
        response: response(attrs),
    })
}

fn parameters(attrs: &Attrs) -> Value {
    let mut out = serde_json::Map::new();
    for (key, name) in [
        ("gen_ai.request.temperature", "temperature"),
        ("gen_ai.request.top_p", "top_p"),
        ("gen_ai.request.max_tokens", "max_tokens"),
    ] {
        if let Some(number) = attrs.number(&[key]) {
            let whole = attrs.whole(&[key]).map(Value::from);
            out.insert(name.to_owned(), whole.unwrap_or_else(|| number.into()));
        }
    }
    // What somebody has said would be the right answer: the shadow test compares with it.
    if let Some(calls) = attrs.json(&["governor.reference_tool_calls"]) {
        out.insert("metadata".to_owned(), json!({"reference_tool_calls": calls}));
    }
    Value::Object(out)
}

fn response(attrs: &Attrs) -> Value {
    let told = attrs.json(&[
        "gen_ai.output.messages",
        "output.value",
        "langfuse.observation.output",
    ]);
    match told {
        Some(Value::Array(messages)) => messages.first().map_or(Value::Null, message),
        Some(other) => other,
        None => match attrs.text(&["ai.response.text", "langfuse.observation.output"]) {
            Some(text) => json!({"role": "assistant", "content": text}),
            None => Value::Null,
        },
    }
}

/// OpenTelemetry's message of parts as OpenAI's message; a message that is OpenAI's already stays as it is.
fn message(given: &Value) -> Value {
    let parts = match (given.get("parts"), given.get("content")) {
        (Some(Value::Array(parts)), _) | (None, Some(Value::Array(parts))) => parts,
        _ => return given.clone(),
    };
    let role = given.get("role").cloned().unwrap_or_else(|| "user".into());
    let answer = parts.iter().find(|part| part["type"] == "tool_call_response");
    if let Some(answer) = answer {
        let text = answer
            .get("response")
            .or_else(|| answer.get("result"))
            .map(text_of);
        return json!({"role": "tool", "tool_call_id": answer["id"], "content": text});
    }
    let calls: Vec<Value> = parts
        .iter()
        .filter(|part| part["type"] == "tool_call")
        .map(tool_call)
        .collect();
    let mut out = json!({"role": role, "content": text_of(&Value::Array(parts.clone()))});
    if !calls.is_empty() {
        out["tool_calls"] = calls.into();
    }
    out
}

fn tool_call(part: &Value) -> Value {
    let arguments = match &part["arguments"] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    json!({"id": part["id"], "type": "function", "function": {"name": part["name"], "arguments": arguments}})
}

/// The text of parts, of a text, or of anything else as JSON.
fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts = parts.iter().filter_map(|part| {
                let text = part.get("content").or_else(|| part.get("text"));
                text.and_then(Value::as_str)
            });
            texts.collect::<Vec<_>>().join("\n")
        }
        other => other.to_string(),
    }
}

//! The Responses API's JSON: written strictly, read tolerantly. Source: platform.openai.com, "Create a model response".

use serde::Deserialize;
use serde_json::{Map, Value, json};
use workflow_engine::ports::model::{Completion, Defect, Usage};

use super::super::{
    answer::{self, Counts, checked, some_text, tool_call},
    client::Gathered,
    conversation::{Choice, Conversation, Part, Turn},
    sse::Event,
};

/// Parameters of chat completions that have no counterpart.
const UNKNOWN: [&str; 10] = [
    "n",
    "stream",
    "stream_options",
    "stop",
    "seed",
    "frequency_penalty",
    "presence_penalty",
    "logprobs",
    "logit_bias",
    "store",
];

/// The body of a request; nothing of it is kept by the vendor for later turns.
pub(super) fn request(model: &str, mut turn: Conversation) -> Value {
    let input: Vec<Value> = turn.turns.iter().flat_map(items).collect();
    let mut body = json!({"model": model, "input": input, "store": false});
    if !turn.system.is_empty() {
        body["instructions"] = json!(turn.system);
    }
    if !turn.tools.is_empty() {
        let tools: Vec<Value> = turn
            .tools
            .iter()
            .map(|tool| {
                json!({"type": "function", "name": tool.name, "description": tool.description,
                       "parameters": tool.parameters, "strict": false})
            })
            .collect();
        body["tools"] = json!(tools);
        body["tool_choice"] = match &turn.choice {
            Choice::Auto => json!("auto"),
            Choice::None => json!("none"),
            Choice::Required => json!("required"),
            Choice::Only(name) => json!({"type": "function", "name": name}),
        };
    }
    if let Some(limit) = turn.parameter(&["max_tokens", "max_completion_tokens"]) {
        body["max_output_tokens"] = limit;
    }
    if let Some(effort) = turn.parameter(&["reasoning_effort"]) {
        body["reasoning"] = json!({"effort": effort});
    }
    if let Some(format) = turn.parameter(&["response_format"]) {
        body["text"] = json!({"format": text_format(&format)});
    }
    turn.without(&UNKNOWN);
    for (name, value) in turn.parameters {
        body[name] = value;
    }
    body
}

/// Chat completions nest the schema, responses do not.
fn text_format(format: &Value) -> Value {
    let mut flat = Map::new();
    flat.insert("type".to_owned(), format["type"].clone());
    for (name, value) in format["json_schema"].as_object().into_iter().flatten() {
        flat.insert(name.clone(), value.clone());
    }
    Value::Object(flat)
}

fn items(turn: &Turn) -> Vec<Value> {
    let (role, kind, parts) = match turn {
        Turn::User(parts) => ("user", "input_text", parts),
        Turn::Assistant(parts) => ("assistant", "output_text", parts),
    };
    let (mut items, mut content) = (Vec::new(), Vec::new());
    for part in parts {
        match part {
            Part::Text(text) => content.push(json!({"type": kind, "text": text})),
            Part::Image { media, base64 } => {
                let url = format!("data:{media};base64,{base64}");
                content.push(json!({"type": "input_image", "image_url": url}));
            }
            Part::Call { id, name, arguments } => items.push(
                json!({"type": "function_call", "call_id": id, "name": name, "arguments": arguments.to_string()}),
            ),
            Part::Result { id, text, .. } => {
                items.push(json!({"type": "function_call_output", "call_id": id, "output": text}));
            }
        }
    }
    if !content.is_empty() {
        let said = json!({"role": role, "content": content});
        // What the model says comes before its calls; what the user says comes after the results.
        if role == "assistant" {
            items.insert(0, said);
        } else {
            items.push(said);
        }
    }
    items
}

#[derive(Deserialize)]
struct Body {
    id: Option<String>,
    model: Option<String>,
    status: Option<String>,
    output: Option<Vec<Value>>,
    #[serde(default)]
    incomplete_details: Value,
    #[serde(default)]
    error: Value,
    #[serde(default)]
    usage: Value,
}

/// Reads a whole answer.
pub(super) fn completion(asked: &str, bytes: &[u8]) -> Result<Completion, String> {
    let body: Body = answer::json(bytes)?;
    if body.status.as_deref() == Some("failed") {
        let why = body.error["message"].as_str().unwrap_or("no reason given");
        return Err(format!(
            "the vendor gave the answer up: {}",
            crate::http::snippet(why.as_bytes())
        ));
    }
    let output = body.output.ok_or("the answer has no output")?;
    let (mut text, mut refusal, mut tool_calls) = (String::new(), None, Vec::new());
    for item in &output {
        match item["type"].as_str() {
            Some("function_call") => {
                tool_calls.push(tool_call(
                    item["name"].as_str().unwrap_or_default(),
                    &item["arguments"],
                ));
            }
            Some("message") => {
                for part in item["content"].as_array().into_iter().flatten() {
                    text.push_str(part["text"].as_str().unwrap_or_default());
                    refusal = refusal.or_else(|| part["refusal"].as_str().map(str::to_owned));
                }
            }
            // Reasoning and searches are not part of the answer.
            _ => {}
        }
    }
    let finish_reason = match body.incomplete_details["reason"].as_str() {
        Some("max_output_tokens") => "length",
        Some("content_filter") => "content_filter",
        Some(other) => other,
        None if !tool_calls.is_empty() => "tool_calls",
        None => "stop",
    };
    let read = Completion {
        text: some_text(text),
        tool_calls,
        finish_reason: Some(finish_reason.to_owned()),
        refusal,
        response_model: body.model,
        response_id: body.id,
        ..Completion::default()
    };
    Ok(checked(asked, read, usage(&body.usage), body.usage))
}

/// Inclusive totals.
fn usage(raw: &Value) -> Result<Usage, Defect> {
    let counts = Counts::of(raw)?;
    Ok(Usage {
        input_tokens: counts.required("/input_tokens")?,
        cached_input_tokens: counts.optional("/input_tokens_details/cached_tokens")?,
        output_tokens: counts.required("/output_tokens")?,
        reasoning_tokens: counts.optional("/output_tokens_details/reasoning_tokens")?,
    })
}

/// A streamed answer: its last event carries the whole.
pub(super) fn whole(events: &[Event<'_>]) -> Gathered {
    let (mut body, mut first) = (json!({}), None);
    for event in events {
        let Ok(mut said) = serde_json::from_str::<Value>(event.data) else {
            continue;
        };
        match said["type"].as_str().unwrap_or_default() {
            "response.completed" | "response.incomplete" | "response.failed" => {
                body = said["response"].take()
            }
            "response.output_text.delta"
            | "response.refusal.delta"
            | "response.function_call_arguments.delta" => {
                first = first.or(Some(event.end));
            }
            _ => {}
        }
    }
    Gathered { body, first }
}

#[cfg(test)]
mod tests {
    use super::super::super::{
        conversation::tests::{hop, rich},
        sse::events,
    };
    use super::*;

    #[test]
    fn a_recorded_turn_is_asked_as_items() {
        let turn = Conversation::read("openai", &hop("openai", "m"), &rich()).unwrap();
        assert_eq!(
            request("gpt-5", turn),
            json!({
                "model": "gpt-5", "store": false, "instructions": "Be brief.", "temperature": 0.2,
                "max_output_tokens": 300, "tool_choice": "required",
                "tools": [{"type": "function", "name": "price", "description": "Looks up a price", "strict": false,
                    "parameters": {"type": "object", "properties": {"sku": {"type": "integer"}}}}],
                "input": [
                    {"role": "user", "content": [{"type": "input_text", "text": "Which of these?"},
                        {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo="}]},
                    {"type": "function_call", "call_id": "c1", "name": "price", "arguments": "{\"sku\":7}"},
                    {"type": "function_call", "call_id": "c2", "name": "stock", "arguments": "{}"},
                    {"type": "function_call_output", "call_id": "c1", "output": "12 EUR"},
                    {"type": "function_call_output", "call_id": "c2", "output": "none"},
                    {"role": "user", "content": [{"type": "input_text", "text": "Then the other."}]}]
            })
        );
    }

    #[test]
    fn a_streamed_answer_is_read_from_its_last_event() {
        let answer = json!({"id": "resp_1", "model": "gpt-5-2025-08-07", "status": "incomplete",
            "incomplete_details": {"reason": "max_output_tokens"},
            "output": [{"type": "reasoning"}, {"type": "message", "content": [{"type": "output_text", "text": "One"}]}],
            "usage": {"input_tokens": 9, "input_tokens_details": {"cached_tokens": 4}, "output_tokens": 6,
                      "output_tokens_details": {"reasoning_tokens": 5}}});
        let body = format!(
            "event: response.created\ndata: {{\"type\":\"response.created\"}}\n\n\
             event: response.output_text.delta\ndata: {{\"type\":\"response.output_text.delta\",\"delta\":\"One\"}}\n\n\
             event: response.incomplete\ndata: {}\n\n",
            json!({"type": "response.incomplete", "response": answer})
        );
        let gathered = whole(&events(&body));
        let read = completion("gpt-5", gathered.body.to_string().as_bytes()).unwrap();
        assert_eq!(
            (read.text.as_deref(), read.finish_reason.as_deref()),
            (Some("One"), Some("length"))
        );
        let usage = Usage {
            input_tokens: 9,
            cached_input_tokens: 4,
            output_tokens: 6,
            reasoning_tokens: 5,
        };
        assert_eq!((read.usage, read.defects), (Some(usage), vec![]));
        assert!(gathered.first.unwrap() < body.len());
    }

    #[test]
    fn an_answer_that_was_given_up_says_why() {
        let body = br#"{"status":"failed","error":{"message":"The server had an error."},"output":[]}"#;
        assert_eq!(
            completion("m", body).unwrap_err(),
            "the vendor gave the answer up: The server had an error."
        );
    }
}

//! Anthropic's JSON: written strictly, read tolerantly. Source: docs.anthropic.com, "Messages".

use serde::Deserialize;
use serde_json::{Map, Value, json};
use workflow_engine::ports::model::Completion;

use super::super::{
    answer::{self, checked, finish_reason, some_text, tool_call, usage_beside_caches},
    conversation::{Choice, Conversation, ONLY_OPENAI, Part, Turn},
};

/// Asked for when the recorded call set no limit; the API demands one.
const MOST_TOKENS: u64 = 4_096;

/// Where usage has its counts: input, read from caches, written to caches, output.
const COUNTS: [&str; 4] = [
    "/input_tokens",
    "/cache_read_input_tokens",
    "/cache_creation_input_tokens",
    "/output_tokens",
];

/// The body of a request.
pub(super) fn request(model: &str, mut turn: Conversation, streamed: bool) -> Value {
    let limit = turn.parameter(&["max_tokens", "max_completion_tokens"]);
    let stop = turn.stop_words(&["stop", "stop_sequences"]);
    let parallel = turn.parameter(&["parallel_tool_calls"]);
    turn.without(&ONLY_OPENAI);
    let mut body = Map::new();
    body.insert("model".to_owned(), json!(model));
    body.insert(
        "max_tokens".to_owned(),
        limit.unwrap_or_else(|| json!(MOST_TOKENS)),
    );
    if !turn.system.is_empty() {
        body.insert("system".to_owned(), json!(turn.system));
    }
    body.insert("messages".to_owned(), turn.turns.iter().map(message).collect());
    if let Some(words) = stop {
        body.insert("stop_sequences".to_owned(), words);
    }
    if !turn.tools.is_empty() {
        let tools: Vec<Value> = turn
            .tools
            .iter()
            .map(|tool| json!({"name": tool.name, "description": tool.description, "input_schema": tool.parameters}))
            .collect();
        body.insert("tools".to_owned(), json!(tools));
        let mut choice = match &turn.choice {
            Choice::Auto => json!({"type": "auto"}),
            Choice::None => json!({"type": "none"}),
            Choice::Required => json!({"type": "any"}),
            Choice::Only(name) => json!({"type": "tool", "name": name}),
        };
        if parallel == Some(json!(false)) && turn.choice != Choice::None {
            choice["disable_parallel_tool_use"] = json!(true);
        }
        body.insert("tool_choice".to_owned(), choice);
    }
    if streamed {
        body.insert("stream".to_owned(), json!(true));
    }
    // What is left has the same name here (temperature, top_p), or is the route's own in this vendor's words.
    body.extend(turn.parameters);
    Value::Object(body)
}

fn message(turn: &Turn) -> Value {
    let (role, parts) = match turn {
        Turn::User(parts) => ("user", parts),
        Turn::Assistant(parts) => ("assistant", parts),
    };
    let content: Vec<Value> = parts
        .iter()
        .map(|part| match part {
            Part::Text(text) => json!({"type": "text", "text": text}),
            Part::Image { media, base64 } => {
                json!({"type": "image", "source": {"type": "base64", "media_type": media, "data": base64}})
            }
            Part::Call { id, name, arguments } => {
                json!({"type": "tool_use", "id": id, "name": name, "input": arguments})
            }
            Part::Result { id, text, .. } => {
                json!({"type": "tool_result", "tool_use_id": id, "content": text})
            }
        })
        .collect();
    json!({"role": role, "content": content})
}

#[derive(Deserialize)]
struct Body {
    id: Option<String>,
    model: Option<String>,
    content: Option<Vec<Value>>,
    stop_reason: Option<String>,
    #[serde(default)]
    usage: Value,
}

/// Reads a whole answer.
pub(super) fn completion(asked: &str, bytes: &[u8]) -> Result<Completion, String> {
    let body: Body = answer::json(bytes)?;
    let content = body.content.ok_or("the answer has no content")?;
    let (mut text, mut tool_calls) = (String::new(), Vec::new());
    for block in &content {
        match block["type"].as_str() {
            Some("text") => text.push_str(block["text"].as_str().unwrap_or_default()),
            Some("tool_use") => {
                tool_calls.push(tool_call(
                    block["name"].as_str().unwrap_or_default(),
                    &block["input"],
                ));
            }
            // Thinking is not part of the answer.
            _ => {}
        }
    }
    let refused = body.stop_reason.as_deref() == Some("refusal");
    let read = Completion {
        refusal: refused.then(|| {
            if text.is_empty() {
                "refusal".to_owned()
            } else {
                text.clone()
            }
        }),
        text: some_text(text),
        tool_calls,
        finish_reason: body.stop_reason.as_deref().map(finish_reason),
        response_model: body.model,
        response_id: body.id,
        ..Completion::default()
    };
    Ok(checked(
        asked,
        read,
        usage_beside_caches(&body.usage, COUNTS),
        body.usage,
    ))
}

#[cfg(test)]
mod tests {
    use super::super::super::conversation::tests::{hop, rich};
    use super::*;

    #[test]
    fn a_recorded_turn_is_asked_in_anthropics_words() {
        let turn = Conversation::read("anthropic", &hop("anthropic", "m"), &rich()).unwrap();
        assert_eq!(
            request("claude-sonnet-4-5-20250929", turn, false),
            json!({
                "model": "claude-sonnet-4-5-20250929", "max_tokens": 300, "temperature": 0.2, "system": "Be brief.",
                "stop_sequences": ["END"], "tool_choice": {"type": "any"},
                "tools": [{"name": "price", "description": "Looks up a price",
                    "input_schema": {"type": "object", "properties": {"sku": {"type": "integer"}}}}],
                "messages": [
                    {"role": "user", "content": [{"type": "text", "text": "Which of these?"},
                        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}]},
                    {"role": "assistant", "content": [
                        {"type": "tool_use", "id": "c1", "name": "price", "input": {"sku": 7}},
                        {"type": "tool_use", "id": "c2", "name": "stock", "input": {}}]},
                    {"role": "user", "content": [
                        {"type": "tool_result", "tool_use_id": "c1", "content": "12 EUR"},
                        {"type": "tool_result", "tool_use_id": "c2", "content": "none"},
                        {"type": "text", "text": "Then the other."}]}]
            })
        );
    }

    #[test]
    fn cached_tokens_are_input_and_a_refusal_is_one() {
        let body = json!({"id": "msg_1", "model": "claude-x", "stop_reason": "refusal",
            "content": [{"type": "thinking", "thinking": "…"}, {"type": "text", "text": "I cannot."}],
            "usage": {"input_tokens": 10, "cache_read_input_tokens": 90, "cache_creation_input_tokens": 5, "output_tokens": 3}});
        let read = completion("claude-x", body.to_string().as_bytes()).unwrap();
        let usage = workflow_engine::ports::model::Usage {
            input_tokens: 105,
            cached_input_tokens: 90,
            output_tokens: 3,
            reasoning_tokens: 0,
        };
        assert_eq!(read.usage, Some(usage));
        assert_eq!(read.refusal.as_deref(), Some("I cannot."));
        assert_eq!(read.finish_reason.as_deref(), Some("content_filter"));
    }
}

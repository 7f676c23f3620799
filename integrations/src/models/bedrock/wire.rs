//! Converse's JSON: written strictly, read tolerantly. Source: Amazon Bedrock API reference, "Converse".

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use workflow_engine::ports::model::Completion;

use super::super::{
    answer::{self, checked, finish_reason, some_text, tool_call, usage_beside_caches},
    conversation::{Choice, Conversation, ONLY_OPENAI, Part, Turn},
};

/// Where usage has its counts: input, read from caches, written to caches, output.
const COUNTS: [&str; 4] = [
    "/inputTokens",
    "/cacheReadInputTokens",
    "/cacheWriteInputTokens",
    "/outputTokens",
];

/// The body of a request.
pub(super) fn request(mut turn: Conversation) -> Value {
    let messages: Vec<Value> = turn.turns.iter().map(message).collect();
    let mut body = json!({"messages": messages});
    if !turn.system.is_empty() {
        body["system"] = json!([{"text": turn.system}]);
    }
    let mut inference = turn.renamed(&[
        (&["max_tokens", "max_completion_tokens"], "maxTokens"),
        (&["temperature"], "temperature"),
        (&["top_p"], "topP"),
    ]);
    if let Some(words) = turn.stop_words(&["stop"]) {
        inference.insert("stopSequences".to_owned(), words);
    }
    if !inference.is_empty() {
        body["inferenceConfig"] = Value::Object(inference);
    }
    // Converse has no word for "none": without tools none is proposed.
    if !turn.tools.is_empty() && turn.choice != Choice::None {
        let tools: Vec<Value> = turn.tools.iter().map(tool).collect();
        let choice = match &turn.choice {
            Choice::Auto | Choice::None => json!({"auto": {}}),
            Choice::Required => json!({"any": {}}),
            Choice::Only(name) => json!({"tool": {"name": name}}),
        };
        body["toolConfig"] = json!({"tools": tools, "toolChoice": choice});
    }
    turn.without(&ONLY_OPENAI);
    if !turn.parameters.is_empty() {
        // The route's own, in the model's words (top_k, thinking).
        body["additionalModelRequestFields"] = Value::Object(turn.parameters);
    }
    body
}

fn tool(tool: &super::super::conversation::Tool) -> Value {
    let mut spec = json!({"name": tool.name, "inputSchema": {"json": tool.parameters}});
    if !tool.description.is_empty() {
        spec["description"] = json!(tool.description);
    }
    json!({"toolSpec": spec})
}

fn message(turn: &Turn) -> Value {
    let (role, parts) = match turn {
        Turn::User(parts) => ("user", parts),
        Turn::Assistant(parts) => ("assistant", parts),
    };
    let content: Vec<Value> = parts
        .iter()
        .map(|part| match part {
            Part::Text(text) => json!({"text": text}),
            Part::Image { media, base64 } => {
                let format = media.strip_prefix("image/").unwrap_or(media);
                json!({"image": {"format": format, "source": {"bytes": base64}}})
            }
            Part::Call { id, name, arguments } => {
                json!({"toolUse": {"toolUseId": id, "name": name, "input": arguments}})
            }
            Part::Result { id, text, .. } => {
                json!({"toolResult": {"toolUseId": id, "content": [{"text": text}]}})
            }
        })
        .collect();
    json!({"role": role, "content": content})
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    output: Option<Value>,
    stop_reason: Option<String>,
    #[serde(default)]
    usage: Value,
    #[serde(default)]
    metrics: Value,
}

/// Reads a whole answer; Converse does not say which model answered.
pub(super) fn completion(bytes: &[u8]) -> Result<Completion, String> {
    let body: Body = answer::json(bytes)?;
    let output = body.output.ok_or("the answer has no output")?;
    let (mut text, mut tool_calls) = (String::new(), Vec::new());
    for block in output["message"]["content"].as_array().into_iter().flatten() {
        if let Some(call) = block.get("toolUse") {
            tool_calls.push(tool_call(
                call["name"].as_str().unwrap_or_default(),
                &call["input"],
            ));
        }
        text.push_str(block["text"].as_str().unwrap_or_default());
    }
    let word = body.stop_reason.unwrap_or_default();
    let filtered = ["guardrail_intervened", "content_filtered", "refusal"].contains(&word.as_str());
    let read = Completion {
        refusal: filtered.then(|| word.clone()),
        text: some_text(text),
        tool_calls,
        finish_reason: some_text(finish_reason(&word)),
        processing: body.metrics["latencyMs"].as_u64().map(Duration::from_millis),
        ..Completion::default()
    };
    Ok(checked(
        "",
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
    fn a_recorded_turn_is_asked_in_converses_words() {
        let turn = Conversation::read("bedrock", &hop("aws.bedrock", "m"), &rich()).unwrap();
        assert_eq!(
            request(turn),
            json!({
                "system": [{"text": "Be brief."}],
                "inferenceConfig": {"maxTokens": 300, "temperature": 0.2, "stopSequences": ["END"]},
                "toolConfig": {"toolChoice": {"any": {}}, "tools": [{"toolSpec": {"name": "price",
                    "description": "Looks up a price",
                    "inputSchema": {"json": {"type": "object", "properties": {"sku": {"type": "integer"}}}}}}]},
                "messages": [
                    {"role": "user", "content": [{"text": "Which of these?"},
                        {"image": {"format": "png", "source": {"bytes": "iVBORw0KGgo="}}}]},
                    {"role": "assistant", "content": [
                        {"toolUse": {"toolUseId": "c1", "name": "price", "input": {"sku": 7}}},
                        {"toolUse": {"toolUseId": "c2", "name": "stock", "input": {}}}]},
                    {"role": "user", "content": [
                        {"toolResult": {"toolUseId": "c1", "content": [{"text": "12 EUR"}]}},
                        {"toolResult": {"toolUseId": "c2", "content": [{"text": "none"}]}},
                        {"text": "Then the other."}]}]
            })
        );
    }

    #[test]
    fn an_answer_is_read_with_its_own_time_and_what_caches_served() {
        let body = json!({"output": {"message": {"role": "assistant", "content": [
            {"reasoningContent": {"reasoningText": {"text": "hm"}}}, {"text": "12"},
            {"toolUse": {"toolUseId": "t", "name": "price", "input": {"sku": 7}}}]}},
            "stopReason": "tool_use", "metrics": {"latencyMs": 1250},
            "usage": {"inputTokens": 10, "cacheReadInputTokens": 40, "outputTokens": 7, "totalTokens": 57}});
        let read = completion(body.to_string().as_bytes()).unwrap();
        assert_eq!(
            (read.text.as_deref(), read.finish_reason.as_deref()),
            (Some("12"), Some("tool_calls"))
        );
        assert_eq!(read.tool_calls[0].arguments, "{\"sku\":7}");
        assert_eq!(read.processing, Some(Duration::from_millis(1250)));
        assert_eq!(read.usage.unwrap().input_tokens, 50);
        assert_eq!(completion(b"{}").unwrap_err(), "the answer has no output");
    }
}

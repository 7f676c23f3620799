//! A message that came in pieces, put together. Source: docs.anthropic.com, "Streaming messages".

use serde_json::{Value, json};

use super::super::{client::Gathered, sse::Event};

/// The pieces as one message.
pub(super) fn whole(events: &[Event<'_>]) -> Gathered {
    let mut body = Value::Null;
    let mut blocks: Vec<Value> = Vec::new();
    let mut first = None;
    for event in events {
        let Ok(said) = serde_json::from_str::<Value>(event.data) else {
            continue;
        };
        match said["type"].as_str() {
            Some("message_start") => body = said["message"].clone(),
            Some("content_block_start") => {
                let mut block = said["content_block"].clone();
                // The arguments come as pieces of text.
                if block["type"] == "tool_use" {
                    block["input"] = json!("");
                    first = first.or(Some(event.end));
                }
                blocks.push(block);
            }
            Some("content_block_delta") => {
                let Some(block) = said["index"]
                    .as_u64()
                    .and_then(|index| blocks.get_mut(index as usize))
                else {
                    continue;
                };
                let delta = &said["delta"];
                if append(block, "text", &delta["text"]) | append(block, "input", &delta["partial_json"]) {
                    first = first.or(Some(event.end));
                }
            }
            Some("message_delta") => {
                body["stop_reason"] = said["delta"]["stop_reason"].clone();
                for (name, count) in said["usage"].as_object().into_iter().flatten() {
                    body["usage"][name] = count.clone();
                }
            }
            _ => {}
        }
    }
    // A tool without arguments sends no piece of them.
    for block in blocks.iter_mut().filter(|block| block["input"] == "") {
        block["input"] = json!({});
    }
    if body.is_object() {
        body["content"] = json!(blocks);
    }
    Gathered { body, first }
}

fn append(block: &mut Value, field: &str, more: &Value) -> bool {
    let Some(more) = more.as_str().filter(|more| !more.is_empty()) else {
        return false;
    };
    let so_far = block[field].as_str().unwrap_or_default();
    block[field] = json!(format!("{so_far}{more}"));
    true
}

#[cfg(test)]
mod tests {
    use super::super::{super::sse::events, wire};
    use super::*;

    #[test]
    fn pieces_of_text_and_of_a_tools_arguments_become_one_message() {
        let body = [
            json!({"type": "message_start", "message": {"id": "m", "model": "claude-x", "content": [],
                "usage": {"input_tokens": 25, "output_tokens": 1}}}),
            json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "One "}}),
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "moment."}}),
            json!({"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "id": "t", "name": "price", "input": {}}}),
            json!({"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": "{\"sku\""}}),
            json!({"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": ": 7}"}}),
            json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 89}}),
            json!({"type": "message_stop"}),
        ]
        .map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap()))
        .concat();
        let gathered = whole(&events(&body));
        let read = wire::completion("claude-x", gathered.body.to_string().as_bytes()).unwrap();
        assert_eq!(read.text.as_deref(), Some("One moment."));
        assert_eq!(read.tool_calls[0].arguments, "{\"sku\": 7}");
        assert_eq!(read.finish_reason.as_deref(), Some("tool_calls"));
        let usage = read.usage.unwrap();
        assert_eq!(
            (usage.input_tokens, usage.output_tokens, read.defects),
            (25, 89, vec![])
        );
        let until = &body[..gathered.first.unwrap()];
        assert!(until.contains("One ") && !until.contains("moment"));
    }
}

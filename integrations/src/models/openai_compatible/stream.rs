//! Chat completions that came in pieces, put together.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::{client::Gathered, sse::Event};

/// The pieces as one chat completion.
pub(super) fn whole(events: &[Event<'_>]) -> Gathered {
    let (mut text, mut refusal) = (String::new(), String::new());
    let mut calls: BTreeMap<u64, Value> = BTreeMap::new();
    let (mut id, mut model, mut finish, mut usage) = (Value::Null, Value::Null, Value::Null, Value::Null);
    let mut first = None;
    for event in events {
        let Ok(piece) = serde_json::from_str::<Value>(event.data) else {
            continue;
        };
        keep(&mut id, &piece["id"]);
        keep(&mut model, &piece["model"]);
        keep(&mut usage, &piece["usage"]);
        let choice = &piece["choices"][0];
        keep(&mut finish, &choice["finish_reason"]);
        let delta = &choice["delta"];
        let before = (text.len(), refusal.len(), calls.len());
        text.push_str(delta["content"].as_str().unwrap_or_default());
        refusal.push_str(delta["refusal"].as_str().unwrap_or_default());
        for call in delta["tool_calls"].as_array().into_iter().flatten() {
            add(&mut calls, call);
        }
        if before != (text.len(), refusal.len(), calls.len()) {
            first = first.or(Some(event.end));
        }
    }
    let calls: Vec<Value> = calls.into_values().collect();
    let message =
        json!({"content": none_if_empty(text), "refusal": none_if_empty(refusal), "tool_calls": calls});
    let choices = if first.is_none() && finish.is_null() {
        json!([])
    } else {
        json!([{"message": message, "finish_reason": finish}])
    };
    Gathered {
        body: json!({"id": id, "model": model, "choices": choices, "usage": usage}),
        first,
    }
}

/// One piece of a tool call: the first has its name, the others more of its arguments.
fn add(calls: &mut BTreeMap<u64, Value>, piece: &Value) {
    let index = piece["index"].as_u64().unwrap_or(calls.len() as u64);
    let call = calls
        .entry(index)
        .or_insert_with(|| json!({"function": {"name": "", "arguments": ""}}));
    for field in ["name", "arguments"] {
        let (so_far, more) = (&call["function"][field], &piece["function"][field]);
        let joined = format!(
            "{}{}",
            so_far.as_str().unwrap_or_default(),
            more.as_str().unwrap_or_default()
        );
        call["function"][field] = json!(joined);
    }
}

fn keep(so_far: &mut Value, said: &Value) {
    if !said.is_null() {
        *so_far = said.clone();
    }
}

fn none_if_empty(text: String) -> Value {
    if text.is_empty() { Value::Null } else { json!(text) }
}

#[cfg(test)]
mod tests {
    use workflow_engine::ports::model::Usage;

    use super::super::{super::sse::events, wire};
    use super::*;

    #[test]
    fn pieces_of_text_and_of_two_calls_become_one_answer() {
        let body = "data: {\"id\":\"c\",\"model\":\"gpt-4o-2024-08-06\",\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\n\n\
            data: {\"choices\":[{\"delta\":{\"content\":\"Let me \"}}]}\n\n\
            data: {\"choices\":[{\"delta\":{\"content\":\"look.\"}}]}\n\n\
            data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"price\",\"arguments\":\"{\\\"sku\\\"\"}}]}}]}\n\n\
            data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\":7}\"}}]}}]}\n\n\
            data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":1,\"function\":{\"name\":\"stock\",\"arguments\":\"{}\"}}]},\"finish_reason\":\"tool_calls\"}]}\n\n\
            data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":5}}\n\n\
            data: [DONE]\n\n";
        let gathered = whole(&events(body));
        let read = wire::completion("gpt-4o-2024-08-06", gathered.body.to_string().as_bytes()).unwrap();
        assert_eq!(read.text.as_deref(), Some("Let me look."));
        let calls: Vec<(&str, &str)> = read
            .tool_calls
            .iter()
            .map(|call| (call.name.as_str(), call.arguments.as_str()))
            .collect();
        assert_eq!(calls, [("price", "{\"sku\":7}"), ("stock", "{}")]);
        let usage = Usage {
            input_tokens: 9,
            output_tokens: 5,
            ..Usage::default()
        };
        assert_eq!((read.usage, read.defects), (Some(usage), vec![]));
        assert!(body[..gathered.first.unwrap()].ends_with("\"Let me \"}}]}\n\n"));
    }

    #[test]
    fn a_stream_that_says_nothing_is_no_answer() {
        let gathered = whole(&events("data: [DONE]\n\n"));
        let read = wire::completion("m", gathered.body.to_string().as_bytes());
        assert_eq!(read.unwrap_err(), "the answer has no choice");
    }
}

//! One pair on the page: what was asked, and both answers with what failed.

use serde::Serialize;
use serde_json::Value;
use workflow_engine::{
    engine::shadow::examples::{Example, Failed, Side},
    evidence::{figures::seconds, sentences::KindWords},
    ports::model::ToolCall,
};

#[derive(Serialize)]
pub(super) struct Item {
    trace: String,
    kind: String,
    prompt: Option<String>,
    conversation: Option<String>,
    reference: Option<String>,
    sides: [Answer; 2],
}

#[derive(Serialize)]
struct Answer {
    title: &'static str,
    mark: &'static str,
    tone: &'static str,
    verdict: &'static str,
    text: Option<String>,
    calls: Vec<String>,
    failed: Vec<String>,
    trouble: Option<String>,
    figures: String,
}

pub(super) fn item(example: Example, words: &KindWords) -> Item {
    let messages = example.input.as_ref().map(|input| &input.messages);
    let several = |messages: &&Value| messages.as_array().is_some_and(|all| all.len() > 1);
    Item {
        kind: kind(&example.stratum, words),
        prompt: messages.and_then(last_question),
        conversation: messages
            .filter(several)
            .and_then(|messages| serde_json::to_string_pretty(messages).ok()),
        reference: example.reference.as_ref().and_then(|reference| {
            let calls = reference.tool_calls.as_ref().map(|calls| match calls.as_slice() {
                [] => "no tool".to_owned(),
                calls => calls.iter().map(call).collect::<Vec<_>>().join("\n"),
            });
            calls.or_else(|| reference.text.clone())
        }),
        sides: [
            answer("Today", example.incumbent),
            answer("Candidate", example.candidate),
        ],
        trace: example.trace_id,
    }
}

/// A kind of request in the words of its workflow.
pub(super) fn kind(name: &str, words: &KindWords) -> String {
    words.get(name).cloned().unwrap_or_else(|| name.to_owned())
}

/// The text of the last thing that a person said.
fn last_question(messages: &Value) -> Option<String> {
    let last = messages
        .as_array()?
        .iter()
        .rev()
        .find(|message| message["role"] == "user")?;
    match &last["content"] {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => {
            let texts: Vec<_> = parts.iter().filter_map(|part| part["text"].as_str()).collect();
            Some(texts.join("\n"))
        }
        _ => None,
    }
}

fn answer(title: &'static str, side: Side) -> Answer {
    let result = &side.result;
    let cost = result.cost_usd.map(|cost| cost.to_string());
    let (mark, tone, verdict) = if result.ok {
        ("disc", "green", "right")
    } else {
        ("diamond", "red", "wrong")
    };
    let figures: Vec<String> = cost.into_iter().chain(result.latency_ms.map(seconds)).collect();
    let completion = side.answer;
    Answer {
        title,
        mark,
        tone,
        verdict,
        calls: completion
            .as_ref()
            .map(|it| it.tool_calls.iter().map(call).collect())
            .unwrap_or_default(),
        text: completion.and_then(|it| it.refusal.or(it.text)),
        failed: side.failed.into_iter().map(failed).collect(),
        trouble: side.trouble,
        figures: figures.join(" · "),
    }
}

/// `tool calls: base of area is 5 where 7 was right`.
fn failed(failed: Failed) -> String {
    let check = failed.check.replace('_', " ");
    failed
        .differs
        .map_or_else(|| check.clone(), |differs| format!("{check}: {differs}"))
}

/// `lookup({"id":7})`, as the model wrote it.
fn call(call: &ToolCall) -> String {
    format!("{}({})", call.name, call.arguments)
}

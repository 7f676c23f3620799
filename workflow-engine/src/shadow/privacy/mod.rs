//! Personal data and secrets in prompts and answers: found, counted, and replaced by pseudonyms.

pub mod personal;
pub mod redact;
pub mod secrets;

use serde_json::Value;

use crate::ports::model::Completion;

/// Everything that a person or a tool would read in `value`: its texts, not its keys.
pub(super) fn texts(value: &Value, out: &mut String) {
    match value {
        Value::String(text) => {
            out.push_str(text);
            out.push('\n');
        }
        Value::Number(number) => {
            out.push_str(&number.to_string());
            out.push('\n');
        }
        Value::Array(items) => items.iter().for_each(|item| texts(item, out)),
        Value::Object(fields) => fields.values().for_each(|item| texts(item, out)),
        Value::Null | Value::Bool(_) => {}
    }
}

/// All that an answer says: text and tool arguments.
pub(super) fn said(answer: &Completion) -> String {
    let mut all = answer.text.clone().unwrap_or_default();
    for call in &answer.tool_calls {
        all.push('\n');
        all.push_str(&call.arguments);
    }
    all
}

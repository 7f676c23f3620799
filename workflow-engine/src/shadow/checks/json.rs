//! Where JSON was asked for (`response_format`), JSON comes.

use serde_json::Value;

use super::Case;

pub(super) fn check(case: &Case<'_>) -> Option<bool> {
    let asked = case.input.parameters.get("response_format")?["type"].as_str()?;
    if !asked.starts_with("json") {
        return None;
    }
    let text = case.answer?.text.as_deref().unwrap_or_default();
    Some(serde_json::from_str::<Value>(text).is_ok())
}

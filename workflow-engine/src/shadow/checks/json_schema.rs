//! The answer satisfies the JSON Schema that came with the call (`response_format.json_schema`).

use serde_json::Value;

use super::Case;

pub(super) fn check(case: &Case<'_>) -> Option<bool> {
    let format = case.input.parameters.get("response_format")?;
    let schema = format["json_schema"].get("schema")?;
    // A schema that is none was the vendor's to refuse; it says nothing of the answer.
    let schema = jsonschema::validator_for(schema).ok()?;
    let text = case.answer?.text.as_deref().unwrap_or_default();
    let json: Result<Value, _> = serde_json::from_str(text);
    Some(json.is_ok_and(|json| schema.is_valid(&json)))
}

//! Bodies of rows: a JSON array, one object, or one object a line; each row as its own text, so that a bad one is alone.

use bytes::Bytes;
use serde_json::value::RawValue;
use workflow_engine::ports::trace_source::Malformed;

/// The rows of `body` with their places.
///
/// # Errors
/// When it is none of the three; `what` names the format in the answer.
pub(crate) fn split<'a>(what: &'static str, body: &'a Bytes) -> Result<Vec<(String, &'a str)>, Malformed> {
    let malformed = |place: String, why: String| Malformed { what, place, why };
    let text = std::str::from_utf8(body).map_err(|error| {
        malformed(
            format!("byte {}", error.valid_up_to()),
            "not UTF-8 text".to_owned(),
        )
    })?;
    let trimmed = text.trim_start();
    if trimmed.starts_with('[') {
        let rows: Vec<&RawValue> = serde_json::from_str(trimmed).map_err(|error| {
            malformed(
                format!("line {} column {}", error.line(), error.column()),
                error.to_string(),
            )
        })?;
        return Ok(rows
            .into_iter()
            .enumerate()
            .map(|(n, row)| (format!("row {n}"), row.get()))
            .collect());
    }
    // One object, or one on each line; a line that is no JSON is that line's trouble only.
    if let Ok(row) = serde_json::from_str::<&RawValue>(trimmed) {
        return Ok(vec![("the object".to_owned(), row.get())]);
    }
    let lines: Vec<_> = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(n, line)| (format!("line {}", n + 1), line.trim()))
        .collect();
    let any = lines
        .iter()
        .any(|(_, line)| serde_json::from_str::<&RawValue>(line).is_ok());
    if !any && !lines.is_empty() {
        let why = "neither a JSON array, nor an object, nor one object a line".to_owned();
        return Err(malformed("line 1".to_owned(), why));
    }
    Ok(lines)
}

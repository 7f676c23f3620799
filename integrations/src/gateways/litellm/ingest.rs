//! LiteLLM's generic API callback: an array, NDJSON or one object of `StandardLoggingPayload`.

use bytes::Bytes;
use serde_json::value::RawValue;
use workflow_engine::ports::trace_source::{Malformed, TraceSource};
use workflow_engine::usage::report::{Delivery, Reject, Report};

use super::ingest_row::{Row, report};

/// The callback in any of its three forms; all are typed `application/json`, so the bytes tell.
pub struct Callback;

impl TraceSource for Callback {
    fn receive(&self, source: &str, body: &Bytes) -> Result<Delivery, Malformed> {
        let mut out = Delivery::default();
        for (place, row) in rows(body)? {
            match read(source, row) {
                Ok(report) => out.reports.push(report),
                Err(reason) => out.rejects.push(Reject {
                    place,
                    reason,
                    body: row.as_bytes().to_vec(),
                }),
            }
        }
        Ok(out)
    }
}

/// One row on its own: what is odd in it does not touch its neighbours.
fn read(source: &str, row: &str) -> Result<Report, String> {
    let row: Row = serde_json::from_str(row).map_err(|error| format!("not a LiteLLM row: {error}"))?;
    report(source, row)
}

/// The rows of a body with their places, each as its own text.
fn rows(body: &Bytes) -> Result<Vec<(String, &str)>, Malformed> {
    let text = std::str::from_utf8(body)
        .map_err(|error| malformed(format!("byte {}", error.valid_up_to()), error))?;
    let trimmed = text.trim_start();
    if trimmed.starts_with('[') {
        let rows: Vec<&RawValue> = serde_json::from_str(trimmed)
            .map_err(|error| malformed(format!("line {} column {}", error.line(), error.column()), error))?;
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
        return Err(malformed(
            "line 1".to_owned(),
            "neither a JSON array, nor an object, nor NDJSON",
        ));
    }
    Ok(lines)
}

fn malformed(place: String, why: impl ToString) -> Malformed {
    Malformed {
        what: "LiteLLM callback",
        place,
        why: why.to_string(),
    }
}

/// Whether an error of that class is LiteLLM's own refusal, given before any model was asked.
#[must_use]
pub fn refuses(error_class: &str) -> bool {
    ["Proxy", "Guardrail", "Budget", "HTTPException"]
        .iter()
        .any(|word| error_class.contains(word))
}

#[cfg(test)]
#[path = "ingest_tests.rs"]
mod tests;

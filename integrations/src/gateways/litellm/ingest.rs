//! LiteLLM's generic API callback: an array, NDJSON or one object of `StandardLoggingPayload`.

use bytes::Bytes;
use workflow_engine::ports::trace_source::{Malformed, TraceSource};
use workflow_engine::usage::report::{Delivery, Reject, Report};

use super::ingest_row::{Row, report};
use crate::traces::json_rows;

/// The callback in any of its three forms; all are typed `application/json`, so the bytes tell.
pub struct Callback;

impl TraceSource for Callback {
    fn receive(&self, source: &str, body: &Bytes) -> Result<Delivery, Malformed> {
        let mut out = Delivery::default();
        for (place, row) in json_rows::split("LiteLLM callback", body)? {
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

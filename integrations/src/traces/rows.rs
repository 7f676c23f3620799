//! Rows of our own shape (surfaces.md §6), for `/ingest/calls` and for files of other systems: array, NDJSON or one object.

use bytes::Bytes;
use workflow_engine::ports::trace_source::{Malformed, TraceSource};
use workflow_engine::usage::call::{Call, TokensSource, whole_micros};
use workflow_engine::usage::names;
use workflow_engine::usage::report::{Delivery, Reject, Report};
use workflow_engine::values::{Digest, Usd};

use super::json_rows;

/// Rows of surfaces.md §6. `id`, `source`, `cost_usd` and `mapping_rule` are ours to say and are ignored.
pub struct Rows;

impl TraceSource for Rows {
    fn receive(&self, source: &str, body: &Bytes) -> Result<Delivery, Malformed> {
        let mut out = Delivery::default();
        for (place, row) in json_rows::split("call rows", body)? {
            match read(source, row) {
                Ok(call) => out.reports.push(Report { call, content: None }),
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

fn read(source: &str, row: &str) -> Result<Call, String> {
    let given: Call = serde_json::from_str(row).map_err(|error| format!("not a call row: {error}"))?;
    // A row without an id of its own is known by what it says.
    let record = match given.record_id.as_str() {
        "" => Digest::of(row.as_bytes()).to_string(),
        id => id.to_owned(),
    };
    let identity = Call::new(source, &record, given.started_at);
    let mut call = Call {
        id: identity.id,
        source: identity.source,
        record_id: record,
        started_at: identity.started_at,
        ended_at: given.ended_at.map(whole_micros),
        cost_usd: None,
        cost_source: None,
        price_version: None,
        mapping_rule: None,
        findings: Vec::new(),
        ..given
    };
    if let (Some(end), None) = (call.ended_at, call.latency_ms) {
        call.end(end);
    }
    check(&call)?;
    call.provider = call.provider.as_deref().and_then(names::provider);
    call.beside.stated = call.workflow.take().map(|workflow| workflow.0);
    call.beside.gateway = call.route_model.is_some();
    call.beside.reporter = "rows".to_owned();
    let counted = call.input_tokens.is_some() || call.output_tokens.is_some();
    call.tokens_source = call
        .tokens_source
        .or_else(|| counted.then_some(TokensSource::Reported));
    Ok(call)
}

/// Figures that no call can have.
fn check(call: &Call) -> Result<(), String> {
    let most = Usd(1_000_000.into());
    if call
        .cost_reported_usd
        .is_some_and(|cost| cost < Usd::ZERO || cost > most)
    {
        return Err("`cost_reported_usd` is not between 0 and 1,000,000".to_owned());
    }
    let milliseconds = [call.latency_ms, call.ttft_ms];
    if milliseconds
        .into_iter()
        .flatten()
        .any(|ms| !ms.is_finite() || ms < 0.0)
    {
        return Err("`latency_ms` and `ttft_ms` are milliseconds from 0 up".to_owned());
    }
    if call.ended_at.is_some_and(|end| end < call.started_at) {
        return Err("`ended_at` is before `started_at`".to_owned());
    }
    let parts = call
        .cached_input_tokens
        .unwrap_or(0)
        .saturating_add(call.cache_write_tokens.unwrap_or(0));
    if call.input_tokens.is_some_and(|input| input < parts) {
        return Err(
            "`input_tokens` includes cached and cache-write tokens; here it is smaller than they are"
                .to_owned(),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exported_row_comes_back_as_it_was_under_its_new_source() {
        let row = r#"{"record_id":"r1","started_at":"2026-11-23T03:34:21.1351059Z","ended_at":"2026-11-23T03:34:22Z",
            "workflow":"answer","provider":"azure","route_model":"gpt-4o","input_tokens":22,"cost_usd":"9",
            "cost_reported_usd":"0.0000105","tags":["a"],"status":"success","unknown":1}"#;
        let delivery = Rows.receive("file", &Bytes::from(row)).unwrap();
        let call = &delivery.reports[0].call;
        assert_eq!(call.id, Call::new("file", "r1", call.started_at).id);
        assert_eq!((call.latency_ms, call.cost_usd), (Some(864.895), None));
        assert_eq!(
            (call.provider.as_deref(), call.workflow.as_ref()),
            (Some("azure.ai.openai"), None)
        );
        assert_eq!(call.beside.stated.as_deref(), Some("answer"));
    }

    #[test]
    fn rows_that_cannot_be_are_named_with_their_place() {
        let body = concat!(
            r#"{"started_at":"2026-11-23T03:34:21Z","input_tokens":5,"cached_input_tokens":9}"#,
            "\n",
            r#"{"record_id":"x"}"#,
            "\n",
            r#"{"started_at":"2026-11-23T03:34:21Z","cost_reported_usd":"-1"}"#,
        );
        let delivery = Rows.receive("file", &Bytes::from(body)).unwrap();
        let shown: Vec<_> = delivery
            .rejects
            .iter()
            .map(|r| format!("{}: {}", r.place, r.reason))
            .collect();
        insta::assert_snapshot!(shown.join("\n"), @r"
        line 1: `input_tokens` includes cached and cache-write tokens; here it is smaller than they are
        line 2: not a call row: missing field `started_at` at line 1 column 17
        line 3: `cost_reported_usd` is not between 0 and 1,000,000
        ");
    }
}

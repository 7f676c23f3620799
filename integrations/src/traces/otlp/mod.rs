//! OTLP over HTTP: the spans that are calls, whatever instrumentation wrote them, and the spans above them.
//!
//! Reading order: `select` (which spans are calls) → `report` (what such a span says) → `proto` and `json` (the wire).

mod content;
mod json;
mod money;
mod names;
mod proto;
mod report;
mod select;
mod span;
mod tokens;

use bytes::Bytes;
use workflow_engine::ports::trace_source::{Malformed, TraceSource};
use workflow_engine::usage::report::{Delivery, Reject, Report, SpanNote};

use select::Kind;
use span::{Span, time};

/// OTLP's protobuf (`application/x-protobuf`).
pub struct Protobuf;

/// OTLP's JSON (`application/json`).
pub struct Json;

impl TraceSource for Protobuf {
    fn receive(&self, source: &str, body: &Bytes) -> Result<Delivery, Malformed> {
        let mut out = Delivery::default();
        proto::spans(body, |place, span| take(&mut out, source, &place, &span)).map_err(|why| Malformed {
            what: "OTLP protobuf",
            place: format!("a body of {} bytes", body.len()),
            why: format!(
                "{why}; send an ExportTraceServiceRequest, or JSON with content-type application/json"
            ),
        })?;
        Ok(out)
    }
}

impl TraceSource for Json {
    fn receive(&self, source: &str, body: &Bytes) -> Result<Delivery, Malformed> {
        let mut out = Delivery::default();
        let read = json::spans(body, |place, span| match span {
            Ok(span) => take(&mut out, source, &place, &span),
            Err((reason, body)) => out.rejects.push(Reject { place, reason, body }),
        });
        read.map_err(|(place, why)| Malformed {
            what: "OTLP JSON",
            place,
            why: format!("{why}; send an object with `resourceSpans`"),
        })?;
        Ok(out)
    }
}

/// Adds one span to the delivery: as a call, as a note, or as a reject with the reason.
fn take(out: &mut Delivery, source: &str, place: &str, span: &Span) {
    let kind = select::kind(span);
    let reason = match (
        span.trace_id.is_empty() || span.span_id.is_empty(),
        time(span.start),
    ) {
        (true, _) => "a span needs a trace id and a span id",
        (false, None) => "a span needs a start time in nanoseconds since 1970",
        (false, Some(start)) => {
            match kind {
                Kind::None => {
                    out.notes.push(note(span, start));
                    out.ignored += 1;
                }
                kind => out.reports.push(Report {
                    content: content::of(span),
                    call: report::call(source, span, kind, start),
                }),
            }
            return;
        }
    };
    if kind == Kind::None {
        out.ignored += 1;
        return;
    }
    out.rejects.push(Reject {
        place: place.to_owned(),
        reason: reason.to_owned(),
        body: Vec::new(),
    });
}

fn note(span: &Span, start: chrono::DateTime<chrono::Utc>) -> SpanNote {
    SpanNote {
        trace_id: span.trace_id.clone(),
        span_id: span.span_id.clone(),
        parent_span_id: span.parent_span_id.clone(),
        started_at: start,
        ended_at: time(span.end).unwrap_or(start),
        tags: names::tags(&span.attrs),
        names: names::workflows(&span.attrs),
        end_user: names::end_user(&span.attrs),
    }
}

#[cfg(test)]
mod tests;

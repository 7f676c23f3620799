//! Which source wrote a body, from its first record: for files and for paths that take more than one format.

use bytes::Bytes;
use integrations::{
    gateways::litellm::ingest::Callback,
    traces::{otlp, rows::Rows},
};
use workflow_engine::ports::trace_source::TraceSource;

/// How much of a body is looked at.
const HEAD: usize = 64 * 1024;

/// The reader for `body`. Names that only one format has decide; what is no text is OTLP's protobuf.
#[must_use]
pub fn source(body: &Bytes) -> Box<dyn TraceSource> {
    let head = &body[..body.len().min(HEAD)];
    let text = String::from_utf8_lossy(head);
    let first = text.trim_start().chars().next();
    let binary = head.iter().any(|byte| *byte < b'\t');
    if binary || !matches!(first, Some('{' | '[') | None) {
        return Box::new(otlp::Protobuf);
    }
    let has = |name: &str| text.contains(&format!("\"{name}\""));
    if has("resourceSpans") || has("resource_spans") {
        Box::new(otlp::Json)
    } else if has("startTime") || has("litellm_call_id") {
        Box::new(Callback)
    } else {
        Box::new(Rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_is_known_by_its_own_names() {
        let kind = |body: &'static [u8]| {
            let delivery = source(&Bytes::from_static(body)).receive("s", &Bytes::from_static(body));
            delivery
                .map(|d| d.reports.len() + d.rejects.len())
                .map_err(|e| e.what)
        };
        assert_eq!(kind(br#"{"resourceSpans":[]}"#), Ok(0));
        assert_eq!(kind(br#" [{"id":"a","startTime":1795404861.1}]"#), Ok(1));
        assert_eq!(
            kind(b"{\"record_id\":\"a\",\"started_at\":\"2026-11-23T03:34:21Z\"}\n"),
            Ok(1)
        );
        assert_eq!(kind(b"\x0a{\x0a\x00abc"), Err("OTLP protobuf"));
    }
}

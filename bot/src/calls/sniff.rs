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
    if is_binary(body) {
        return Box::new(otlp::Protobuf);
    }
    let text = String::from_utf8_lossy(&body[..body.len().min(HEAD)]);
    let has = |name: &str| text.contains(&format!("\"{name}\""));
    if has("resourceSpans") || has("resource_spans") {
        Box::new(otlp::Json)
    } else if has("startTime") || has("litellm_call_id") {
        Box::new(Callback)
    } else {
        Box::new(Rows)
    }
}

/// Whether `body` is no JSON: it begins otherwise, or holds bytes that no text has.
#[must_use]
pub fn is_binary(body: &Bytes) -> bool {
    let head = &body[..body.len().min(HEAD)];
    let first = head.iter().find(|byte| !byte.is_ascii_whitespace());
    head.iter().any(|byte| *byte < b'\t') || !matches!(first, Some(b'{' | b'[') | None)
}

/// Whether `body` is text that is no JSON: neither a format that is read here, nor a protobuf.
#[must_use]
pub fn is_other_text(body: &Bytes) -> bool {
    let text = std::str::from_utf8(body).is_ok_and(|text| !text.contains(|c: char| c < '\t'));
    text && is_binary(body)
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
        let other = |body: &'static [u8]| is_other_text(&Bytes::from_static(body));
        assert_eq!(
            [
                other(b"hello\n"),
                other(b"{}"),
                other(b""),
                other(b"\x0a{\x0a\x00abc")
            ],
            [true, false, false, false]
        );
    }
}

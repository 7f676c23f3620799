//! The parts of OTLP's protobuf that a call needs, as slices of the body: nothing is copied until a row keeps it.

use bytes::Bytes;
use prost::{Message, Oneof};

use super::span::{Attrs, Event, Span, Value};

#[derive(Message)]
struct Request {
    #[prost(message, repeated, tag = "1")]
    resource_spans: Vec<ResourceSpans>,
}

#[derive(Message)]
struct ResourceSpans {
    #[prost(message, optional, tag = "1")]
    resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    scope_spans: Vec<ScopeSpans>,
}

#[derive(Message)]
struct Resource {
    #[prost(message, repeated, tag = "1")]
    attributes: Vec<KeyValue>,
}

#[derive(Message)]
struct ScopeSpans {
    #[prost(message, optional, tag = "1")]
    scope: Option<Scope>,
    #[prost(message, repeated, tag = "2")]
    spans: Vec<RawSpan>,
}

#[derive(Message)]
struct Scope {
    #[prost(bytes = "bytes", tag = "1")]
    name: Bytes,
}

#[derive(Message)]
struct RawSpan {
    #[prost(bytes = "bytes", tag = "1")]
    trace_id: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    span_id: Bytes,
    #[prost(bytes = "bytes", tag = "4")]
    parent_span_id: Bytes,
    #[prost(bytes = "bytes", tag = "5")]
    name: Bytes,
    #[prost(int32, tag = "6")]
    kind: i32,
    #[prost(fixed64, tag = "7")]
    start: u64,
    #[prost(fixed64, tag = "8")]
    end: u64,
    #[prost(message, repeated, tag = "9")]
    attributes: Vec<KeyValue>,
    #[prost(message, repeated, tag = "11")]
    events: Vec<RawEvent>,
    #[prost(message, optional, tag = "15")]
    status: Option<RawStatus>,
}

#[derive(Message)]
struct RawEvent {
    #[prost(fixed64, tag = "1")]
    time: u64,
    #[prost(bytes = "bytes", tag = "2")]
    name: Bytes,
    #[prost(message, repeated, tag = "3")]
    attributes: Vec<KeyValue>,
}

#[derive(Message)]
struct RawStatus {
    #[prost(bytes = "bytes", tag = "2")]
    message: Bytes,
    #[prost(int32, tag = "3")]
    code: i32,
}

#[derive(Message)]
struct KeyValue {
    #[prost(bytes = "bytes", tag = "1")]
    key: Bytes,
    #[prost(message, optional, tag = "2")]
    value: Option<AnyValue>,
}

#[derive(Message)]
struct AnyValue {
    #[prost(oneof = "Any", tags = "1, 2, 3, 4, 5, 7")]
    value: Option<Any>,
}

#[derive(Oneof)]
enum Any {
    #[prost(bytes = "bytes", tag = "1")]
    Text(Bytes),
    #[prost(bool, tag = "2")]
    Bool(bool),
    #[prost(int64, tag = "3")]
    Int(i64),
    #[prost(double, tag = "4")]
    Double(f64),
    #[prost(message, tag = "5")]
    List(AnyList),
    #[prost(bytes = "bytes", tag = "7")]
    Raw(Bytes),
}

#[derive(Message)]
struct AnyList {
    #[prost(message, repeated, tag = "1")]
    values: Vec<AnyValue>,
}

/// Every span of a protobuf body, handed to `each` with its place in the body.
///
/// # Errors
/// The decoder's own words when the bytes are no `ExportTraceServiceRequest`.
pub(super) fn spans(body: &Bytes, mut each: impl FnMut(String, Span)) -> Result<(), String> {
    let request = Request::decode(body.clone()).map_err(|error| error.to_string())?;
    for (r, resource_spans) in request.resource_spans.into_iter().enumerate() {
        let resource = attrs(resource_spans.resource.map(|r| r.attributes).unwrap_or_default());
        for (s, scope_spans) in resource_spans.scope_spans.into_iter().enumerate() {
            let scope = scope_spans.scope.map(|scope| scope.name).unwrap_or_default();
            for (n, raw) in scope_spans.spans.into_iter().enumerate() {
                let place = format!("resource_spans[{r}].scope_spans[{s}].spans[{n}]");
                each(place, span(raw, &scope, &resource));
            }
        }
    }
    Ok(())
}

fn span(raw: RawSpan, scope: &Bytes, resource: &Attrs) -> Span {
    let status = raw.status.unwrap_or_default();
    Span {
        trace_id: hex::encode(&raw.trace_id),
        span_id: hex::encode(&raw.span_id),
        parent_span_id: Some(hex::encode(&raw.parent_span_id)).filter(|id| !id.is_empty()),
        name: raw.name,
        kind: raw.kind,
        start: raw.start,
        end: raw.end,
        attrs: attrs(raw.attributes),
        events: raw
            .events
            .into_iter()
            .map(|event| Event {
                time: event.time,
                name: event.name,
                attrs: attrs(event.attributes),
            })
            .collect(),
        failed: status.code == 2,
        message: status.message,
        scope: scope.clone(),
        resource: resource.clone(),
    }
}

fn attrs(pairs: Vec<KeyValue>) -> Attrs {
    Attrs::of(
        pairs
            .into_iter()
            .map(|pair| (pair.key, value(pair.value)))
            .collect(),
    )
}

fn value(any: Option<AnyValue>) -> Value {
    match any.and_then(|any| any.value) {
        None => Value::Null,
        Some(Any::Text(text) | Any::Raw(text)) => Value::Text(text),
        Some(Any::Bool(flag)) => Value::Bool(flag),
        Some(Any::Int(number)) => Value::Int(number),
        Some(Any::Double(number)) => Value::Double(number),
        Some(Any::List(list)) => Value::List(list.values.into_iter().map(|v| value(Some(v))).collect()),
    }
}

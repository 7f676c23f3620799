//! OTLP's JSON as senders really write it: either spelling of the names, whole numbers as text or number, any ids.

use bytes::Bytes;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::span::{Attrs, Event, Span, Value};

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow, default, alias = "resource_spans", rename = "resourceSpans")]
    resource_spans: Vec<ResourceSpans<'a>>,
}

#[derive(Deserialize)]
struct ResourceSpans<'a> {
    #[serde(default)]
    resource: Option<Resource>,
    #[serde(
        borrow,
        default,
        rename = "scopeSpans",
        alias = "scope_spans",
        alias = "instrumentationLibrarySpans"
    )]
    scope_spans: Vec<ScopeSpans<'a>>,
}

#[derive(Deserialize)]
struct Resource {
    #[serde(default)]
    attributes: Vec<KeyValue>,
}

#[derive(Deserialize)]
struct ScopeSpans<'a> {
    #[serde(default, alias = "instrumentationLibrary")]
    scope: Option<Scope>,
    #[serde(borrow, default)]
    spans: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Scope {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct RawSpan {
    #[serde(rename = "traceId", alias = "trace_id")]
    trace_id: String,
    #[serde(rename = "spanId", alias = "span_id")]
    span_id: String,
    #[serde(default, rename = "parentSpanId", alias = "parent_span_id")]
    parent_span_id: Option<String>,
    #[serde(default)]
    name: String,
    #[serde(default, deserialize_with = "kind")]
    kind: i32,
    #[serde(
        default,
        rename = "startTimeUnixNano",
        alias = "start_time_unix_nano",
        deserialize_with = "whole"
    )]
    start: u64,
    #[serde(
        default,
        rename = "endTimeUnixNano",
        alias = "end_time_unix_nano",
        deserialize_with = "whole"
    )]
    end: u64,
    #[serde(default)]
    attributes: Vec<KeyValue>,
    #[serde(default)]
    events: Vec<RawEvent>,
    #[serde(default)]
    status: Option<RawStatus>,
}

#[derive(Deserialize)]
struct RawEvent {
    #[serde(
        default,
        rename = "timeUnixNano",
        alias = "time_unix_nano",
        deserialize_with = "whole"
    )]
    time: u64,
    #[serde(default)]
    name: String,
    #[serde(default)]
    attributes: Vec<KeyValue>,
}

#[derive(Deserialize)]
struct RawStatus {
    #[serde(default)]
    code: serde_json::Value,
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
struct KeyValue {
    key: String,
    #[serde(default)]
    value: AnyValue,
}

#[derive(Default, Deserialize)]
struct AnyValue {
    #[serde(default, rename = "stringValue", alias = "string_value")]
    text: Option<String>,
    #[serde(default, rename = "boolValue", alias = "bool_value")]
    flag: Option<bool>,
    #[serde(default, rename = "intValue", alias = "int_value")]
    int: Option<serde_json::Value>,
    #[serde(default, rename = "doubleValue", alias = "double_value")]
    double: Option<serde_json::Value>,
    #[serde(default, rename = "arrayValue", alias = "array_value")]
    list: Option<AnyList>,
}

#[derive(Deserialize)]
struct AnyList {
    #[serde(default)]
    values: Vec<AnyValue>,
}

/// Every span of a JSON body with its place in the body; a span that cannot be read comes as its bytes and the reason.
///
/// # Errors
/// Place and reason when the body is no JSON object with resource spans.
pub(super) fn spans(
    body: &Bytes,
    mut each: impl FnMut(String, Result<Span, (String, Vec<u8>)>),
) -> Result<(), (String, String)> {
    let request: Request<'_> = serde_json::from_slice(body).map_err(|error| {
        let place = format!("line {} column {}", error.line(), error.column());
        (place, error.to_string())
    })?;
    for (r, resource_spans) in request.resource_spans.into_iter().enumerate() {
        let resource = attrs(resource_spans.resource.map(|r| r.attributes).unwrap_or_default());
        for (s, scope_spans) in resource_spans.scope_spans.into_iter().enumerate() {
            let scope = Bytes::from(scope_spans.scope.map(|scope| scope.name).unwrap_or_default());
            for (n, raw) in scope_spans.spans.into_iter().enumerate() {
                let place = format!("resourceSpans[{r}].scopeSpans[{s}].spans[{n}]");
                let read = serde_json::from_str::<RawSpan>(raw.get());
                let span = read
                    .map(|raw| span(raw, &scope, &resource))
                    .map_err(|error| (error.to_string(), raw.get().as_bytes().to_vec()));
                each(place, span);
            }
        }
    }
    Ok(())
}

fn span(raw: RawSpan, scope: &Bytes, resource: &Attrs) -> Span {
    let status = raw.status.unwrap_or(RawStatus {
        code: serde_json::Value::Null,
        message: String::new(),
    });
    let events = raw.events.into_iter().map(|event| Event {
        time: event.time,
        name: event.name.into(),
        attrs: attrs(event.attributes),
    });
    Span {
        trace_id: id(raw.trace_id),
        span_id: id(raw.span_id),
        parent_span_id: raw.parent_span_id.map(id).filter(|id| !id.is_empty()),
        name: raw.name.into(),
        kind: raw.kind,
        start: raw.start,
        end: raw.end,
        attrs: attrs(raw.attributes),
        events: events.collect(),
        failed: status.code == 2 || status.code == "STATUS_CODE_ERROR" || status.code == "2",
        message: status.message.into(),
        scope: scope.clone(),
        resource: resource.clone(),
    }
}

/// Hex ids in one case, as the protobuf form gives them; any other id as it is.
fn id(mut text: String) -> String {
    if text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        text.make_ascii_lowercase();
    }
    text
}

fn attrs(pairs: Vec<KeyValue>) -> Attrs {
    Attrs::of(
        pairs
            .into_iter()
            .map(|pair| (pair.key.into(), value(pair.value)))
            .collect(),
    )
}

fn value(any: AnyValue) -> Value {
    if let Some(text) = any.text {
        return Value::Text(text.into());
    }
    if let Some(flag) = any.flag {
        return Value::Bool(flag);
    }
    if let Some(number) = any
        .int
        .and_then(|v| v.as_i64().or_else(|| v.as_str()?.parse().ok()))
    {
        return Value::Int(number);
    }
    if let Some(number) = any
        .double
        .and_then(|v| v.as_f64().or_else(|| v.as_str()?.parse().ok()))
    {
        return Value::Double(number);
    }
    if let Some(list) = any.list {
        return Value::List(list.values.into_iter().map(value).collect());
    }
    Value::Null
}

fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    let text = match &value {
        serde_json::Value::Null => return Ok(0),
        serde_json::Value::Number(number) => number.to_string(),
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    text.parse()
        .map_err(|_| serde::de::Error::custom(format!("`{text}` is no time in nanoseconds since 1970")))
}

fn kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i32, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    let named = match value.as_str() {
        Some("SPAN_KIND_INTERNAL") => 1,
        Some("SPAN_KIND_SERVER") => 2,
        Some("SPAN_KIND_CLIENT") => 3,
        Some(text) => text.parse().unwrap_or_default(),
        None => value
            .as_i64()
            .and_then(|kind| i32::try_from(kind).ok())
            .unwrap_or_default(),
    };
    Ok(named)
}

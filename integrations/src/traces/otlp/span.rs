//! A span as both forms of OTLP give it, with attributes that may be read under any of their spellings.

use bytes::Bytes;
use chrono::{DateTime, Utc};

/// One span.
pub(super) struct Span {
    pub(super) trace_id: String,
    pub(super) span_id: String,
    pub(super) parent_span_id: Option<String>,
    pub(super) name: Bytes,
    /// 3 is CLIENT.
    pub(super) kind: i32,
    /// Nanoseconds since 1970.
    pub(super) start: u64,
    /// Nanoseconds since 1970.
    pub(super) end: u64,
    pub(super) attrs: Attrs,
    pub(super) events: Vec<Event>,
    /// Whether the status says error.
    pub(super) failed: bool,
    pub(super) message: Bytes,
    pub(super) scope: Bytes,
    pub(super) resource: Attrs,
}

/// Something that happened during a span.
pub(super) struct Event {
    pub(super) time: u64,
    pub(super) name: Bytes,
    pub(super) attrs: Attrs,
}

/// An attribute's value.
#[derive(Clone)]
pub(super) enum Value {
    Null,
    Text(Bytes),
    Bool(bool),
    Int(i64),
    Double(f64),
    List(Vec<Value>),
}

/// Attributes, sorted by key.
#[derive(Clone, Default)]
pub(super) struct Attrs(std::sync::Arc<Vec<(Bytes, Value)>>);

impl Attrs {
    pub(super) fn of(mut pairs: Vec<(Bytes, Value)>) -> Self {
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        Self(std::sync::Arc::new(pairs))
    }

    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        let place = self
            .0
            .binary_search_by(|(name, _)| name.as_ref().cmp(key.as_bytes()))
            .ok()?;
        Some(&self.0[place].1)
    }

    /// The first of `keys` that holds a text that is not empty.
    pub(super) fn text(&self, keys: &[&str]) -> Option<&str> {
        keys.iter().find_map(|key| self.get(key)?.text())
    }

    /// The first of `keys` that holds a whole number; text and doubles are read too.
    pub(super) fn whole(&self, keys: &[&str]) -> Option<u64> {
        keys.iter().find_map(|key| self.get(key)?.whole())
    }

    /// The first of `keys` that holds a number.
    pub(super) fn number(&self, keys: &[&str]) -> Option<f64> {
        keys.iter().find_map(|key| self.get(key)?.number())
    }

    /// The first of `keys` that holds a truth value, `True` and `false` as text included.
    pub(super) fn flag(&self, keys: &[&str]) -> Option<bool> {
        keys.iter().find_map(|key| match self.get(key)? {
            Value::Bool(flag) => Some(*flag),
            Value::Text(text) if text.eq_ignore_ascii_case(b"true") => Some(true),
            Value::Text(text) if text.eq_ignore_ascii_case(b"false") => Some(false),
            _ => None,
        })
    }

    /// The first of `keys` that holds a list of texts: a list, a JSON list or one text.
    pub(super) fn texts(&self, keys: &[&str]) -> Vec<String> {
        keys.iter()
            .find_map(|key| {
                let texts = self.get(key)?.texts();
                (!texts.is_empty()).then_some(texts)
            })
            .unwrap_or_default()
    }

    /// The first of `keys` as JSON: a JSON text, or a Python repr (LiteLLM's first integration writes those).
    pub(super) fn json(&self, keys: &[&str]) -> Option<serde_json::Value> {
        keys.iter().find_map(|key| {
            let text = self.get(key)?.text()?;
            serde_json::from_str(text)
                .ok()
                .or_else(|| crate::traces::python::value(text))
        })
    }
}

impl Value {
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => std::str::from_utf8(text).ok().filter(|text| !text.is_empty()),
            _ => None,
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be a whole number in range"
    )]
    fn whole(&self) -> Option<u64> {
        match self {
            Self::Int(number) => u64::try_from(*number).ok(),
            Self::Double(number) if number.fract() == 0.0 && (0.0..1e15).contains(number) => {
                Some(*number as u64)
            }
            Self::Text(_) => self.text()?.trim().parse().ok(),
            _ => None,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "durations and costs, far below 2^53")]
    fn number(&self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(*number as f64),
            Self::Double(number) => Some(*number),
            Self::Text(_) => self.text()?.trim().parse().ok(),
            _ => None,
        }
    }

    pub(super) fn texts(&self) -> Vec<String> {
        match self {
            Self::List(values) => values
                .iter()
                .filter_map(|v| v.text().map(str::to_owned))
                .collect(),
            Self::Text(_) => match self.text() {
                Some(text) if text.starts_with('[') => serde_json::from_str(text).unwrap_or_default(),
                Some(text) => vec![text.to_owned()],
                None => Vec::new(),
            },
            _ => Vec::new(),
        }
    }
}

/// Nanoseconds since 1970 as a time, to the microsecond; none for 0 and for what no calendar holds.
pub(super) fn time(nanos: u64) -> Option<DateTime<Utc>> {
    if nanos == 0 {
        return None;
    }
    DateTime::from_timestamp_micros(i64::try_from(nanos / 1000).ok()?)
}

//! Usage records of a file: one line in, one rated line out (`governor rate`).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, value::RawValue};

use super::apis::{UsageApi, UsageError};
use super::entry::Entry;
use super::rate::{Context, RateError, Rated, rate};

/// Why a line could not be rated. Every message names the field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Not JSON.
    #[error("not a JSON object: {0}")]
    Json(String),
    /// A field is missing or of the wrong kind.
    #[error("`{field}` must be {expected}")]
    Field {
        /// Its name.
        field: &'static str,
        /// What must stand there.
        expected: &'static str,
    },
    /// A name that is not known, with the nearest one that is.
    #[error("`{field}`: `{name}` is not known{}", nearest.as_ref().map(|name| format!("; did you mean `{name}`?")).unwrap_or_default())]
    Unknown {
        /// The field.
        field: &'static str,
        /// What stands there.
        name: String,
        /// The nearest known name.
        nearest: Option<String>,
    },
    /// The usage object cannot be read.
    #[error(transparent)]
    Usage(#[from] UsageError),
    /// The price entry does not cover the usage.
    #[error("`price_key`: {source} under `{price_key}`")]
    Rate {
        /// The price entry.
        price_key: String,
        /// What is missing.
        source: RateError,
    },
}

/// Rates one line of a usage file with prices by key.
///
/// # Errors
/// When the line is no usage record or its prices are missing; the error names the field.
pub fn rate_line(line: &str, prices: &BTreeMap<String, Entry>) -> Result<RatedRecord, RecordError> {
    let record: Value =
        serde_json::from_str(line).map_err(|error| RecordError::Json(without_line(&error)))?;
    if !record.is_object() {
        return Err(RecordError::Json("it is something else".to_owned()));
    }
    let id = text(&record, "id")?;
    let api_name = text(&record, "usage_api")?;
    let api = UsageApi::named(api_name).ok_or_else(|| {
        let names = UsageApi::ALL.iter().map(|(name, _)| *name);
        unknown("usage_api", api_name, names)
    })?;
    let price_key = text(&record, "price_key")?;
    let entry = prices
        .get(price_key)
        .ok_or_else(|| unknown("price_key", price_key, prices.keys().map(String::as_str)))?;
    let counts = api.counts(&record["raw_usage"])?;
    let rated = rate(&counts, &context(&record["context"])?, entry).map_err(|source| RecordError::Rate {
        price_key: price_key.to_owned(),
        source,
    })?;
    Ok(RatedRecord::new(id, &rated))
}

fn context(value: &Value) -> Result<Context, RecordError> {
    if !value.is_null() && !value.is_object() {
        return Err(field("context", "an object"));
    }
    let at = match &value["at"] {
        Value::Null => None,
        at => {
            let parsed = at
                .as_str()
                .and_then(|text| DateTime::parse_from_rfc3339(text).ok());
            let parsed =
                parsed.ok_or_else(|| field("context.at", "a time such as \"2026-11-01T10:00:00Z\""))?;
            Some(parsed.with_timezone(&Utc))
        }
    };
    let batch = match &value["batch"] {
        Value::Null => false,
        batch => batch
            .as_bool()
            .ok_or_else(|| field("context.batch", "true or false"))?,
    };
    let part = |name: &'static str, path| match &value[name] {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        _ => Err(field(path, "a text")),
    };
    Ok(Context {
        service_tier: part("service_tier", "context.service_tier")?,
        batch,
        at,
        data_residency: part("data_residency", "context.data_residency")?,
        tool: part("tool", "context.tool")?,
    })
}

fn text<'a>(record: &'a Value, name: &'static str) -> Result<&'a str, RecordError> {
    record[name].as_str().ok_or_else(|| field(name, "a text"))
}

/// The parser's message; a record is one line, whose number its reader knows.
fn without_line(error: &serde_json::Error) -> String {
    error.to_string().replace(" at line 1 column ", " at column ")
}

fn field(field: &'static str, expected: &'static str) -> RecordError {
    RecordError::Field { field, expected }
}

fn unknown<'a>(field: &'static str, name: &str, known: impl Iterator<Item = &'a str>) -> RecordError {
    let nearest = known
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate.to_owned());
    RecordError::Unknown {
        field,
        name: name.to_owned(),
        nearest,
    }
}

/// A rated record in its file form: decimals are strings and exact.
#[derive(Debug, Serialize)]
pub struct RatedRecord {
    /// The record's id.
    pub id: String,
    /// Lines of the bill.
    pub lines: Vec<RatedLine>,
    /// Surcharges on every token line.
    pub multipliers: Vec<(String, String)>,
    /// Sum of the lines.
    pub total_usd: String,
    /// Whether the vendor's figures contradict each other.
    pub inconsistent: bool,
}

/// A line of a rated record.
#[derive(Debug, Serialize)]
pub struct RatedLine {
    /// The meter's name.
    pub meter: &'static str,
    /// How much, as an exact number.
    pub quantity: Box<RawValue>,
    /// Dollars a unit, before multipliers.
    pub unit_price: String,
    /// Dollars, after multipliers.
    pub cost: String,
}

impl RatedRecord {
    fn new(id: &str, rated: &Rated) -> Self {
        let lines = rated.lines.iter().map(|line| RatedLine {
            meter: line.meter.name(),
            // A decimal's text is always a JSON number.
            quantity: RawValue::from_string(line.quantity.normalize().to_string())
                .unwrap_or_else(|_| RawValue::NULL.to_owned()),
            unit_price: line.unit_price.normalize().to_string(),
            cost: line.cost.plain(),
        });
        Self {
            id: id.to_owned(),
            lines: lines.collect(),
            multipliers: rated
                .multipliers
                .iter()
                .map(|(name, factor)| (name.clone(), factor.to_string()))
                .collect(),
            total_usd: rated.total.plain(),
            inconsistent: rated.inconsistent,
        }
    }
}

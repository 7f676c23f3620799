//! A call as a row of the table `call`, and back.

use serde::{Serialize, de::DeserializeOwned};

use super::sql::{Kind, Reader, Value};
use crate::store::error::StoreError;
use crate::usage::call::{Call, CallId};
use crate::values::{Usd, WorkflowId};

/// The columns in the order of [`values`] and [`call`].
pub(super) const COLUMNS: [(&str, Kind); 41] = [
    ("id", Kind::Id),
    ("started_at", Kind::Time),
    ("source", Kind::Text),
    ("record_id", Kind::Text),
    ("call_group_id", Kind::Text),
    ("response_id", Kind::Text),
    ("trace_id", Kind::Text),
    ("span_id", Kind::Text),
    ("ended_at", Kind::Time),
    ("latency_ms", Kind::Real),
    ("ttft_ms", Kind::Real),
    ("stream", Kind::Flag),
    ("workflow", Kind::Text),
    ("mapping_rule", Kind::Text),
    ("team", Kind::Text),
    ("requested_alias", Kind::Text),
    ("route_model", Kind::Text),
    ("response_model", Kind::Text),
    ("provider", Kind::Text),
    ("deployment_id", Kind::Text),
    ("region", Kind::Text),
    ("status", Kind::Text),
    ("error_class", Kind::Text),
    ("input_tokens", Kind::Whole),
    ("cached_input_tokens", Kind::Whole),
    ("cache_write_tokens", Kind::Whole),
    ("output_tokens", Kind::Whole),
    ("reasoning_tokens", Kind::Whole),
    ("cost_usd", Kind::Money),
    ("cost_reported_usd", Kind::Money),
    ("cost_source", Kind::Text),
    ("price_version", Kind::Text),
    ("is_shadow", Kind::Flag),
    ("is_internal", Kind::Flag),
    ("end_user", Kind::Text),
    ("tags", Kind::Text),
    ("findings", Kind::Text),
    ("cache_hit", Kind::Flag),
    ("finish_reason", Kind::Text),
    ("tokens_source", Kind::Text),
    ("beside", Kind::Text),
];

/// Names of the columns, for a `SELECT`.
pub(super) fn names() -> String {
    COLUMNS.map(|(name, _)| name).join(", ")
}

/// Kinds of the columns, for reading.
pub(super) fn kinds() -> [Kind; 41] {
    COLUMNS.map(|(_, kind)| kind)
}

/// The row of a call.
///
/// # Errors
/// When a part has no JSON form, which none of them lacks.
pub(super) fn values(call: &Call) -> Result<Vec<Value>, StoreError> {
    let text = |text: &Option<String>| Value::Text(text.clone());
    let whole = |number: Option<u64>| Value::Whole(number.map(|n| i64::try_from(n).unwrap_or(i64::MAX)));
    Ok(vec![
        Value::Id(Some(call.id.0)),
        Value::Time(Some(call.started_at)),
        Value::Text(Some(call.source.clone())),
        Value::Text(Some(call.record_id.clone())),
        text(&call.call_group_id),
        text(&call.response_id),
        text(&call.trace_id),
        text(&call.span_id),
        Value::Time(call.ended_at),
        Value::Real(call.latency_ms),
        Value::Real(call.ttft_ms),
        Value::Flag(call.stream),
        Value::Text(call.workflow.as_ref().map(|id| id.0.clone())),
        text(&call.mapping_rule),
        text(&call.team),
        text(&call.requested_alias),
        text(&call.route_model),
        text(&call.response_model),
        text(&call.provider),
        text(&call.deployment_id),
        text(&call.region),
        word(&Some(call.status))?,
        word(&call.error_class)?,
        whole(call.input_tokens),
        whole(call.cached_input_tokens),
        whole(call.cache_write_tokens),
        whole(call.output_tokens),
        whole(call.reasoning_tokens),
        Value::Money(call.cost_usd.map(|usd| usd.0)),
        Value::Money(call.cost_reported_usd.map(|usd| usd.0)),
        text(&call.cost_source),
        text(&call.price_version),
        Value::Flag(Some(call.is_shadow)),
        Value::Flag(Some(call.is_internal)),
        text(&call.end_user),
        json(&call.tags)?,
        json(&call.findings)?,
        Value::Flag(call.cache_hit),
        word(&call.finish_reason)?,
        word(&call.tokens_source)?,
        json(&call.beside)?,
    ])
}

/// The call of a row.
///
/// # Errors
/// [`StoreError::Corrupt`] when a text of the row is none that [`values`] writes.
pub(super) fn call(row: Vec<Value>) -> Result<Call, StoreError> {
    let mut row = Reader::of(row);
    let whole = |row: &mut Reader| row.whole().and_then(|n| u64::try_from(n).ok());
    Ok(Call {
        id: CallId(row.id()),
        started_at: row.time().unwrap_or_default(),
        source: row.text().unwrap_or_default(),
        record_id: row.text().unwrap_or_default(),
        call_group_id: row.text(),
        response_id: row.text(),
        trace_id: row.text(),
        span_id: row.text(),
        ended_at: row.time(),
        latency_ms: row.real(),
        ttft_ms: row.real(),
        stream: row.flag(),
        workflow: row.text().map(WorkflowId),
        mapping_rule: row.text(),
        team: row.text(),
        requested_alias: row.text(),
        route_model: row.text(),
        response_model: row.text(),
        provider: row.text(),
        deployment_id: row.text(),
        region: row.text(),
        status: read_word(row.text())?.unwrap_or_default(),
        error_class: read_word(row.text())?,
        input_tokens: whole(&mut row),
        cached_input_tokens: whole(&mut row),
        cache_write_tokens: whole(&mut row),
        output_tokens: whole(&mut row),
        reasoning_tokens: whole(&mut row),
        cost_usd: row.money().map(Usd),
        cost_reported_usd: row.money().map(Usd),
        cost_source: row.text(),
        price_version: row.text(),
        is_shadow: row.flag().unwrap_or_default(),
        is_internal: row.flag().unwrap_or_default(),
        end_user: row.text(),
        tags: read_json(row.text())?,
        findings: read_json(row.text())?,
        cache_hit: row.flag(),
        finish_reason: read_word(row.text())?,
        tokens_source: read_word(row.text())?,
        beside: read_json(row.text())?,
    })
}

/// A word of an enum as its JSON text without the quotes.
fn word<T: Serialize>(value: &Option<T>) -> Result<Value, StoreError> {
    let Some(value) = value else {
        return Ok(Value::Text(None));
    };
    let json = serde_json::to_value(value)?;
    Ok(Value::Text(json.as_str().map(str::to_owned)))
}

fn read_word<T: DeserializeOwned>(text: Option<String>) -> Result<Option<T>, StoreError> {
    let value = text.map(|text| serde_json::from_value(serde_json::Value::String(text)));
    Ok(value.transpose()?)
}

fn json<T: Serialize>(value: &T) -> Result<Value, StoreError> {
    Ok(Value::Text(Some(serde_json::to_string(value)?)))
}

fn read_json<T: DeserializeOwned + Default>(text: Option<String>) -> Result<T, StoreError> {
    Ok(text
        .map(|text| serde_json::from_str(&text))
        .transpose()?
        .unwrap_or_default())
}

//! A call: one row for one request to a model, however many sources reported it (surfaces.md §6).

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::report::Beside;
use crate::values::{Usd, WorkflowId};

/// One call to a model. Unknown is `None`, never 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// Made of the start and a digest of (source, `record_id`): the same on every redelivery.
    #[serde(default)]
    pub id: CallId,
    /// The name given to the token that delivered it.
    #[serde(default)]
    pub source: String,
    /// The source's own id of this record: its idempotency key.
    #[serde(default)]
    pub record_id: String,
    /// Retries and fallbacks of one request share it.
    #[serde(default)]
    pub call_group_id: Option<String>,
    /// The vendor's id of the answer; none on a failure.
    #[serde(default)]
    pub response_id: Option<String>,
    /// As reported.
    #[serde(default)]
    pub trace_id: Option<String>,
    /// As reported.
    #[serde(default)]
    pub span_id: Option<String>,
    /// When the request was sent; whole microseconds.
    pub started_at: DateTime<Utc>,
    /// When the last byte came.
    #[serde(default)]
    pub ended_at: Option<DateTime<Utc>>,
    /// Milliseconds from start to end.
    #[serde(default)]
    pub latency_ms: Option<f64>,
    /// Milliseconds to the first token; streams only.
    #[serde(default)]
    pub ttft_ms: Option<f64>,
    /// Whether the answer was streamed.
    #[serde(default)]
    pub stream: Option<bool>,
    /// The governed use it belongs to; none if no mapping rule matched.
    #[serde(default)]
    pub workflow: Option<WorkflowId>,
    /// The rule that named the workflow.
    #[serde(default)]
    pub mapping_rule: Option<String>,
    /// The team as the gateway or the application names it.
    #[serde(default)]
    pub team: Option<String>,
    /// What the caller first asked for, on every row of a chain of retries and fallbacks.
    #[serde(default)]
    pub requested_alias: Option<String>,
    /// What the gateway sent upstream, without a provider prefix; none if it was refused before any model.
    #[serde(default)]
    pub route_model: Option<String>,
    /// What the vendor said answered; never a gateway's alias.
    #[serde(default)]
    pub response_model: Option<String>,
    /// OpenTelemetry's provider name.
    #[serde(default)]
    pub provider: Option<String>,
    /// The gateway's deployment.
    #[serde(default)]
    pub deployment_id: Option<String>,
    /// Where it was processed, if the reporter says so.
    #[serde(default)]
    pub region: Option<String>,
    /// How it ended.
    #[serde(default)]
    pub status: Status,
    /// Why it failed; none on a success.
    #[serde(default)]
    pub error_class: Option<ErrorClass>,
    /// Tokens sent, cached and cache-write ones included.
    #[serde(default)]
    pub input_tokens: Option<u64>,
    /// Tokens read from the vendor's cache.
    #[serde(default)]
    pub cached_input_tokens: Option<u64>,
    /// Tokens written to the vendor's cache.
    #[serde(default)]
    pub cache_write_tokens: Option<u64>,
    /// Tokens answered, reasoning included.
    #[serde(default)]
    pub output_tokens: Option<u64>,
    /// Tokens of reasoning.
    #[serde(default)]
    pub reasoning_tokens: Option<u64>,
    /// Our own figure.
    #[serde(default)]
    pub cost_usd: Option<Usd>,
    /// What the reporter said it cost.
    #[serde(default)]
    pub cost_reported_usd: Option<Usd>,
    /// Where `cost_usd` comes from.
    #[serde(default)]
    pub cost_source: Option<String>,
    /// The edition of the price book behind `cost_usd`.
    #[serde(default)]
    pub price_version: Option<String>,
    /// A mirror of another call: not production traffic.
    #[serde(default)]
    pub is_shadow: bool,
    /// A gateway's own call (a router's classifier, a judge).
    #[serde(default)]
    pub is_internal: bool,
    /// Who used the application, as the application names them.
    #[serde(default)]
    pub end_user: Option<String>,
    /// Tags of the request.
    #[serde(default)]
    pub tags: Vec<String>,
    /// What the policy found wrong with it.
    #[serde(default)]
    pub findings: Vec<String>,
    /// Whether a gateway answered from its own cache.
    #[serde(default)]
    pub cache_hit: Option<bool>,
    /// Why the answer ended.
    #[serde(default)]
    pub finish_reason: Option<FinishReason>,
    /// Where the token figures come from.
    #[serde(default)]
    pub tokens_source: Option<TokensSource>,
    /// What is kept beside the public row; not part of its JSON form.
    #[serde(skip)]
    pub beside: Beside,
}

impl Call {
    /// A call with its identity and nothing else.
    #[must_use]
    pub fn new(source: &str, record_id: &str, started_at: DateTime<Utc>) -> Self {
        Self {
            id: CallId::of(source, record_id, started_at),
            source: source.to_owned(),
            record_id: record_id.to_owned(),
            started_at: whole_micros(started_at),
            call_group_id: None,
            response_id: None,
            trace_id: None,
            span_id: None,
            ended_at: None,
            latency_ms: None,
            ttft_ms: None,
            stream: None,
            workflow: None,
            mapping_rule: None,
            team: None,
            requested_alias: None,
            route_model: None,
            response_model: None,
            provider: None,
            deployment_id: None,
            region: None,
            status: Status::Success,
            error_class: None,
            input_tokens: None,
            cached_input_tokens: None,
            cache_write_tokens: None,
            output_tokens: None,
            reasoning_tokens: None,
            cost_usd: None,
            cost_reported_usd: None,
            cost_source: None,
            price_version: None,
            is_shadow: false,
            is_internal: false,
            end_user: None,
            tags: Vec::new(),
            findings: Vec::new(),
            cache_hit: None,
            finish_reason: None,
            tokens_source: None,
            beside: Beside::default(),
        }
    }

    /// Sets the end, and the latency that follows from it; an end before the start is taken as the start.
    pub fn end(&mut self, ended_at: DateTime<Utc>) {
        let ended_at = whole_micros(ended_at).max(self.started_at);
        self.ended_at = Some(ended_at);
        self.latency_ms = Some(millis_between(self.started_at, ended_at));
    }

    /// The model to group and price by: what was sent upstream, else what answered, else what was asked for.
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        self.route_model
            .as_deref()
            .or(self.response_model.as_deref())
            .or(self.requested_alias.as_deref())
    }
}

/// `at` without the part below a microsecond: databases keep no more, and the id must not depend on it.
#[must_use]
pub fn whole_micros(at: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(at.timestamp_micros()).unwrap_or(at)
}

/// Milliseconds from `start` to `end`, to the microsecond.
#[must_use]
pub fn millis_between(start: DateTime<Utc>, end: DateTime<Utc>) -> f64 {
    // Below 2^53 microseconds (285 years) the figure is exact.
    #[expect(clippy::cast_precision_loss, reason = "a duration of less than 285 years")]
    let micros = (end.timestamp_micros() - start.timestamp_micros()) as f64;
    micros / 1000.0
}

/// UUIDv8: 48 bits of the start in milliseconds, then 74 bits of SHA-256 over the source and its record id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CallId(pub Uuid);

impl CallId {
    /// The id of that record: equal on every redelivery, ordered by time.
    #[must_use]
    pub fn of(source: &str, record_id: &str, started_at: DateTime<Utc>) -> Self {
        let mut hash = Sha256::new();
        hash.update((source.len() as u64).to_be_bytes());
        hash.update(source.as_bytes());
        hash.update(record_id.as_bytes());
        let digest = hash.finalize();
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&millis(started_at).to_be_bytes()[2..]);
        bytes[6..].copy_from_slice(&digest[..10]);
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// The start it carries, in whole milliseconds.
    #[must_use]
    pub fn at(self) -> DateTime<Utc> {
        let mut millis = [0; 8];
        millis[2..].copy_from_slice(&self.0.as_bytes()[..6]);
        DateTime::from_timestamp_millis(i64::from_be_bytes(millis)).unwrap_or_default()
    }

    /// The smallest id of that millisecond: where a range of time begins.
    #[must_use]
    pub fn first_at(at: DateTime<Utc>) -> Self {
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&millis(at).to_be_bytes()[2..]);
        Self(Uuid::from_bytes(bytes))
    }
}

fn millis(at: DateTime<Utc>) -> u64 {
    u64::try_from(at.timestamp_millis()).unwrap_or_default()
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for CallId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// How a call ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It was answered.
    #[default]
    Success,
    /// It failed, at the vendor or before.
    Failure,
    /// A guardrail refused it.
    Blocked,
}

/// Why a call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// Too many requests or tokens.
    RateLimit,
    /// Nobody answered in time.
    Timeout,
    /// The key is wrong or may not do this.
    Auth,
    /// The vendor did not understand the request.
    BadRequest,
    /// No such model or deployment.
    NotFound,
    /// The vendor's safety filter.
    ContentFilter,
    /// The prompt is too long.
    ContextLength,
    /// A guardrail of the gateway.
    Guardrail,
    /// A budget is used up.
    Budget,
    /// The vendor has no capacity now.
    Overloaded,
    /// The vendor broke.
    ServerError,
    /// The connection broke.
    Connection,
    /// The caller gave up.
    Cancelled,
    /// None of these.
    #[serde(other)]
    Unknown,
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The model was done.
    Stop,
    /// The token limit.
    Length,
    /// It asks for a tool.
    ToolCalls,
    /// A safety filter cut it.
    ContentFilter,
    /// The caller cut it.
    Cancelled,
    /// It broke off.
    Error,
}

impl FinishReason {
    /// The word in a row.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            Self::ContentFilter => "content_filter",
            Self::Cancelled => "cancelled",
            Self::Error => "error",
        }
    }
}

/// Where token figures come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokensSource {
    /// The vendor reported them.
    Reported,
    /// The reporter counted them itself (a stream that was cut, for example).
    Estimated,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn the_id_is_a_uuid_v8_that_carries_the_start_and_is_equal_on_redelivery() {
        let start = at("2026-11-23T03:34:21.135105Z");
        let id = CallId::of("litellm-prod", "chatcmpl-1:success:dep-a", start);
        assert_eq!(id.0.get_version_num(), 8);
        assert_eq!(id.at(), at("2026-11-23T03:34:21.135Z"));
        assert_eq!(id, CallId::of("litellm-prod", "chatcmpl-1:success:dep-a", start));
        assert_ne!(id, CallId::of("litellm-prodc", "hatcmpl-1:success:dep-a", start));
        assert!(CallId::first_at(start) < id && id < CallId::first_at(at("2026-11-23T03:34:21.136Z")));
    }

    #[test]
    fn the_json_form_names_every_field_of_the_surfaces_page() {
        let call = Call::new("s", "r", at("2026-11-23T03:34:21.135105Z"));
        let json = serde_json::to_value(&call).unwrap();
        let names = "id source record_id call_group_id response_id trace_id span_id started_at ended_at latency_ms ttft_ms stream \
                     workflow mapping_rule team requested_alias route_model response_model provider deployment_id region status \
                     error_class input_tokens cached_input_tokens cache_write_tokens output_tokens reasoning_tokens cost_usd \
                     cost_reported_usd cost_source price_version is_shadow is_internal end_user tags findings cache_hit \
                     finish_reason tokens_source";
        for name in names.split_whitespace() {
            assert!(json.get(name).is_some(), "{name} is missing");
        }
        assert_eq!(json.as_object().unwrap().len(), names.split_whitespace().count());
        assert_eq!(json["started_at"], "2026-11-23T03:34:21.135105Z");
        assert_eq!(serde_json::from_value::<Call>(json).unwrap(), call);
    }
}

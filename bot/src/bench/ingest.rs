//! `bench ingest`: OTLP bodies through reader, mapping, prices and store, as many senders as asked, then counted again.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use integrations::traces::otlp;
use prost::Message;
use serde_json::{Value, json};
use workflow_engine::{
    catalog::Catalog,
    ports::{clock::Clock, trace_source::TraceSource},
    store::calls::{CallStore, RecordError},
    usage::attribute::Rules,
};

use crate::{clock::SystemClock, prices, storage};

/// Calls of one body; each is a call span below an application's span that names the workflow.
const CALLS: u64 = 200;

/// What to run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// An empty database; the bench makes its own schema in it.
    pub database_url: String,
    /// Senders at once.
    pub in_flight: u32,
    /// For how long.
    pub seconds: u64,
}

/// Runs it and answers the figures.
///
/// # Errors
/// When the database cannot be used.
pub async fn run(plan: &Plan) -> anyhow::Result<Value> {
    let store = storage::connect_calls(&plan.database_url, 8, Arc::new(SystemClock)).await?;
    storage::migrate_calls(&store).await?;
    let rules = Arc::new(rules()?);
    let started = Instant::now();
    let until = started + Duration::from_secs(plan.seconds);
    let mut lanes = Vec::new();
    for lane in 0..u64::from(plan.in_flight) {
        lanes.push(tokio::spawn(send(store.clone(), rules.clone(), lane, until)));
    }
    let (mut acknowledged, mut bytes, mut refused) = (0, 0, 0);
    for lane in lanes {
        let sent = lane.await??;
        acknowledged += sent.0;
        bytes += sent.1;
        refused += sent.2;
    }
    let took = started.elapsed().as_secs_f64();
    while store.fold().await? > 0 {}
    let (from, end) = (
        SystemClock.now() - chrono::TimeDelta::days(1),
        SystemClock.now() + chrono::TimeDelta::days(1),
    );
    let counted: i64 = store
        .rollup(from, end)
        .await?
        .0
        .values()
        .map(|sums| sums.calls)
        .sum();
    let stored = u64::try_from(counted)?;
    Ok(json!({
        "bench": "ingest",
        "database": if plan.database_url.starts_with("sqlite") { "sqlite" } else { "postgres" },
        "in_flight": plan.in_flight,
        "seconds": plan.seconds,
        "calls_per_s": (acknowledged as f64 / took).round(),
        "bytes_per_s": (bytes as f64 / took).round(),
        "acknowledged": acknowledged,
        "asked_to_come_again": refused,
        "stored": stored,
        "lost": acknowledged.saturating_sub(stored),
    }))
}

/// One sender: bodies one after the other, each with ids of its own; says calls, bytes and refusals.
async fn send(
    store: CallStore,
    rules: Arc<Rules>,
    lane: u64,
    until: Instant,
) -> anyhow::Result<(u64, u64, u64)> {
    let (mut calls, mut bytes, mut refused, mut nth) = (0, 0, 0, 0);
    while Instant::now() < until {
        let body = Bytes::from(body(SystemClock.now(), lane, nth));
        nth += 1;
        let length = body.len();
        let delivery = otlp::Protobuf.receive("bench", &body)?;
        match store.record("bench", delivery, rules.clone(), length).await {
            Ok(recorded) => {
                calls += recorded.new as u64;
                bytes += length as u64;
            }
            Err(RecordError::Busy { .. }) => {
                refused += 1;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok((calls, bytes, refused))
}

fn rules() -> anyhow::Result<Rules> {
    let workflows: Vec<Value> = (0..40)
        .map(|n| {
            json!({"id": format!("bench-{n}"), "name": "bench", "owner": "p", "cost_center": "c",
                "data_class": "internal", "gateway": "g", "alias": "a", "route": "r"})
        })
        .collect();
    let mapping = json!([{"name": "span", "span_workflow": "*", "workflow": "$1"}]);
    let catalog: Catalog = serde_json::from_value(json!({"workflows": workflows, "mapping": mapping}))?;
    Ok(Rules::of(&catalog, prices::book()?))
}

#[derive(Message)]
struct Request {
    #[prost(message, repeated, tag = "1")]
    resource_spans: Vec<ResourceSpans>,
}

#[derive(Message)]
struct ResourceSpans {
    #[prost(message, repeated, tag = "2")]
    scope_spans: Vec<ScopeSpans>,
}

#[derive(Message)]
struct ScopeSpans {
    #[prost(message, repeated, tag = "2")]
    spans: Vec<Span>,
}

#[derive(Message)]
struct Span {
    #[prost(bytes = "vec", tag = "1")]
    trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    span_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    parent_span_id: Vec<u8>,
    #[prost(string, tag = "5")]
    name: String,
    #[prost(int32, tag = "6")]
    kind: i32,
    #[prost(fixed64, tag = "7")]
    start: u64,
    #[prost(fixed64, tag = "8")]
    end: u64,
    #[prost(message, repeated, tag = "9")]
    attributes: Vec<KeyValue>,
}

#[derive(Message)]
struct KeyValue {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(message, optional, tag = "2")]
    value: Option<AnyValue>,
}

#[derive(Message)]
struct AnyValue {
    #[prost(string, optional, tag = "1")]
    text: Option<String>,
    #[prost(int64, optional, tag = "3")]
    whole: Option<i64>,
}

fn body(now: DateTime<Utc>, lane: u64, nth: u64) -> Vec<u8> {
    let start = u64::try_from(now.timestamp_micros()).unwrap_or_default() * 1000;
    let spans = (0..CALLS).flat_map(|call| {
        let number = (lane << 48) | (nth << 16) | call;
        let trace = [number.to_be_bytes(), (!number).to_be_bytes()].concat();
        let (root, span) = (
            (number * 2).to_be_bytes().to_vec(),
            (number * 2 + 1).to_be_bytes().to_vec(),
        );
        let begin = start + call * 1_000;
        let above = Span {
            trace_id: trace.clone(),
            span_id: root.clone(),
            parent_span_id: Vec::new(),
            name: "handle request".to_owned(),
            kind: 2,
            start: begin,
            end: begin + 900_000_000,
            attributes: vec![
                text("workflow.id", &format!("bench-{}", call % 40)),
                text("enduser.id", "u-1"),
            ],
        };
        let below = Span {
            trace_id: trace,
            span_id: span,
            parent_span_id: root,
            name: "chat gpt-4o-mini".to_owned(),
            kind: 3,
            start: begin + 1_000,
            end: begin + 800_000_000,
            attributes: attributes(number),
        };
        [below, above]
    });
    let scope_spans = vec![ScopeSpans {
        spans: spans.collect(),
    }];
    Request {
        resource_spans: vec![ResourceSpans { scope_spans }],
    }
    .encode_to_vec()
}

fn attributes(number: u64) -> Vec<KeyValue> {
    vec![
        text("gen_ai.operation.name", "chat"),
        text("gen_ai.provider.name", "openai"),
        text("gen_ai.request.model", "gpt-4o-mini"),
        text("gen_ai.response.model", "gpt-4o-mini-2024-07-18"),
        text("gen_ai.response.id", &format!("chatcmpl-{number:032x}")),
        text("server.address", "api.openai.com"),
        whole("server.port", 443),
        whole("gen_ai.usage.input_tokens", 1_200),
        whole("gen_ai.usage.output_tokens", 180),
        whole("gen_ai.usage.cache_read.input_tokens", 640),
    ]
}

fn text(key: &str, value: &str) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue {
            text: Some(value.to_owned()),
            whole: None,
        }),
    }
}

fn whole(key: &str, value: i64) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue {
            text: None,
            whole: Some(value),
        }),
    }
}

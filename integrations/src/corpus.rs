//! Tests only: recorded bodies of real programs, and the rows they must become.

use std::collections::HashSet;
use std::path::PathBuf;

use bytes::Bytes;
use serde_json::Value;
use workflow_engine::catalog::Catalog;
use workflow_engine::ports::trace_source::TraceSource;
use workflow_engine::usage::call::Call;
use workflow_engine::usage::mapping::Mapping;
use workflow_engine::usage::merge;
use workflow_engine::usage::report::{Delivery, Report};

/// The corpus folder, or none with a note when it is not on this machine.
pub(crate) fn folder(name: &str) -> Option<PathBuf> {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let candidates = [
        here.join("../../shared/corpus"),
        PathBuf::from("/work/shared/corpus"),
    ];
    let found = candidates
        .iter()
        .map(|root| root.join(name))
        .find(|path| path.exists());
    if found.is_none() {
        eprintln!("skipped: no corpus {name}");
    }
    found
}

/// Every delivery of a corpus, read by the source its path and content type name.
pub(crate) fn deliveries(name: &str, source: impl Fn(&str, &str) -> Box<dyn TraceSource>) -> Vec<Delivery> {
    let Some(folder) = folder(name) else {
        return Vec::new();
    };
    let mut names: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(".http.json"))
        .collect();
    names.sort();
    let mut out = Vec::new();
    for http in names {
        let meta: Value = serde_json::from_slice(&std::fs::read(&http).unwrap()).unwrap();
        let path = meta["path"].as_str().unwrap();
        if !path.starts_with("/v1/traces") && !path.starts_with("/ingest/") {
            continue;
        }
        let mut body = std::fs::read(http.with_extension("").with_extension("body")).unwrap();
        if meta["headers"]["content-encoding"] == "gzip" {
            let mut plain = Vec::new();
            std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(body.as_slice()), &mut plain)
                .unwrap();
            body = plain;
        }
        let kind = meta["headers"]["content-type"].as_str().unwrap();
        let delivery = source(path, kind).receive("test", &Bytes::from(body)).unwrap();
        assert!(delivery.rejects.is_empty(), "{http:?}: {:?}", delivery.rejects);
        out.push(delivery);
    }
    out
}

/// The rows that deliveries amount to, under the mapping that the corpus asks for.
pub(crate) fn rows(deliveries: &[Delivery]) -> Vec<Call> {
    let reports = deliveries
        .iter()
        .flat_map(|d| &d.reports)
        .map(|Report { call, .. }| call.clone());
    let notes: Vec<_> = deliveries.iter().flat_map(|d| d.notes.clone()).collect();
    merge::rows(reports.collect(), &notes, &Mapping::of(&catalog()))
}

fn catalog() -> Catalog {
    let ids = [
        "wf-support-answer",
        "wf-claims-triage",
        "wf-kyc-summary",
        "wf-bulk",
        "wf-search",
    ];
    let workflow = |id: &&str| {
        serde_json::json!({"id": id, "name": id, "owner": "p", "cost_center": "c", "data_class": "internal",
            "gateway": "g", "alias": id, "route": "r"})
    };
    serde_json::from_value(serde_json::json!({
        "workflows": ids.iter().map(workflow).collect::<Vec<_>>(),
        "mapping": [
            {"name": "tag", "tag": "workflow:*", "workflow": "$1"},
            {"name": "span", "span_workflow": "*", "workflow": "$1"},
        ],
    }))
    .unwrap()
}

/// What differs between the rows and `expected.ndjson`, one line each; empty when every row is right.
pub(crate) fn differences(name: &str, rows: &[Call]) -> Vec<String> {
    let text = std::fs::read_to_string(folder(name).unwrap().join("expected.ndjson")).unwrap();
    let expected: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let found: Vec<Value> = rows
        .iter()
        .map(|row| serde_json::to_value(row).unwrap())
        .collect();
    let pairs = matched(&expected, &found);
    let mut out = Vec::new();
    for (nth, want) in expected.iter().enumerate() {
        let Some((_, got)) = pairs.iter().find(|(w, _)| *w == nth) else {
            if want["_optional"] != true {
                out.push(format!("missing {} {}", want["_call"], want["status"]));
            }
            continue;
        };
        for (field, value) in want.as_object().unwrap() {
            if !field.starts_with('_') && field != "call_group_id" && !same(field, value, &found[*got][field])
            {
                out.push(format!(
                    "{} {}: {field} is {}, not {value}",
                    want["_call"], want["status"], found[*got][field]
                ));
            }
        }
    }
    let used: HashSet<usize> = pairs.iter().map(|(_, got)| *got).collect();
    let extra = found.iter().enumerate().filter(|(nth, _)| !used.contains(nth));
    out.extend(extra.map(|(_, row)| {
        format!(
            "extra {} {} {}",
            row["status"], row["response_id"], row["span_id"]
        )
    }));
    out
}

/// Expected and found rows in pairs, the surest first.
fn matched(expected: &[Value], found: &[Value]) -> Vec<(usize, usize)> {
    let weights = [
        ("response_id", 9),
        ("span_id", 9),
        ("started_at", 4),
        ("trace_id", 3),
        ("status", 3),
        ("ended_at", 2),
        ("route_model", 1),
    ];
    let mut scores = Vec::new();
    for (e, want) in expected.iter().enumerate() {
        for (f, got) in found.iter().enumerate() {
            let score: i32 = weights
                .iter()
                .filter(|(field, _)| !want[*field].is_null() && !got[*field].is_null())
                .map(|(field, weight)| match same(field, &want[*field], &got[*field]) {
                    true => *weight,
                    false if *weight == 9 => -9,
                    false => 0,
                })
                .sum();
            if score >= 6 {
                scores.push((-score, want["_optional"] == true, e, f));
            }
        }
    }
    scores.sort();
    let mut out: Vec<(usize, usize)> = Vec::new();
    for (_, _, e, f) in scores {
        if out.iter().all(|(a, b)| *a != e && *b != f) {
            out.push((e, f));
        }
    }
    out
}

/// The comparison rules of the corpus page.
fn same(field: &str, want: &Value, got: &Value) -> bool {
    if let Some(any) = want.get("$in") {
        return any.as_array().unwrap().iter().any(|want| same(field, want, got));
    }
    if want.get("$any").is_some() {
        return !got.is_null() && got != "";
    }
    if let Some(not) = want.get("$not") {
        return got != not;
    }
    let nothing = |value: &Value| value.is_null() || value == 0 || value == false || value == "";
    match field {
        "cached_input_tokens" | "cache_write_tokens" | "reasoning_tokens" | "is_shadow" | "is_internal"
            if nothing(want) =>
        {
            nothing(got)
        }
        "output_tokens" if want == 0 => nothing(got),
        _ if want.is_null() => got.is_null(),
        "started_at" | "ended_at" => {
            let time = |value: &Value| value.as_str()?.parse::<chrono::DateTime<chrono::Utc>>().ok();
            let (Some(want), Some(got)) = (time(want), time(got)) else {
                return false;
            };
            (want - got).abs() <= chrono::TimeDelta::milliseconds(2)
        }
        "latency_ms" | "ttft_ms" => {
            let (want, Some(got)) = (want.as_f64().unwrap(), got.as_f64()) else {
                return false;
            };
            (want - got).abs() <= f64::max(2.1, 0.005 * want)
        }
        "cost_reported_usd" => {
            let number = |value: &Value| value.as_str()?.parse::<f64>().ok();
            let (Some(want), Some(got)) = (number(want), number(got)) else {
                return false;
            };
            (want - got).abs() <= 1e-6 * want.abs()
        }
        "provider" => {
            workflow_engine::usage::names::provider(want.as_str().unwrap()).as_deref() == got.as_str()
        }
        "tags" => {
            let set = |value: &Value| {
                value
                    .as_array()
                    .map(|list| list.iter().map(ToString::to_string).collect::<HashSet<_>>())
            };
            set(want) == set(got)
        }
        _ => want == got,
    }
}

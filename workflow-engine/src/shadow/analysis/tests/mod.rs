//! Known answers of whole reports, and the rules at their edges.

mod bfcl;
mod edges;
mod operating;

use std::collections::BTreeSet;

use serde_json::Value;

use super::pairs::parse_lines;
use super::plan::Plan;
use super::report::Report;
use crate::vectors::{close, load, text};

const CASES: [&str; 8] = [
    "binary-small",
    "checks",
    "cost-latency",
    "gpt-4-turbo__gpt-4o-mini",
    "score-clustered",
    "score-paired",
    "sequential-accept",
    "weighted",
];

#[test]
fn known_answers_of_whole_reports() {
    for case in CASES {
        let file = |end: &str| format!("cli/analyze/{case}.{end}");
        let Some(plan) = load(&file("plan.json")) else {
            return;
        };
        let plan = Plan::parse(&plan).expect("a plan");
        let pairs = parse_lines(&text(&file("pairs.ndjson")).expect("pairs")).expect("pairs");
        let expected = load(&file("expected.json")).expect("an answer");
        agrees(case, &super::analyze(&plan, &pairs), &expected);
    }
}

/// Fails where the report lacks something expected, or has another figure or another set of reasons.
fn agrees(case: &str, report: &Report, expected: &Value) {
    let got = serde_json::to_value(report).expect("JSON");
    println!("{case}");
    for (key, expected) in expected.as_object().expect("an object") {
        match key.as_str() {
            "reasons" => {}
            "reasons_name" => {
                let named: BTreeSet<&str> = report
                    .reasons
                    .iter()
                    .filter_map(|r| r.split(": ").next())
                    .collect();
                assert_eq!(
                    serde_json::json!(named),
                    *expected,
                    "{case}: {:?}",
                    report.reasons
                );
            }
            "endpoints" => same_endpoints(&got[key], expected),
            key => same(key, &got[key], expected),
        }
    }
}

fn same_endpoints(got: &Value, expected: &Value) {
    let (got, expected) = (
        got.as_array().expect("a list"),
        expected.as_array().expect("a list"),
    );
    assert_eq!(got.len(), expected.len());
    for expected in expected {
        let same_name = |e: &&Value| ["endpoint", "stratum"].iter().all(|key| e[key] == expected[key]);
        let found = got
            .iter()
            .find(same_name)
            .unwrap_or_else(|| panic!("no {expected}"));
        println!("  {} {}", expected["endpoint"], expected["stratum"]);
        same("endpoint", found, expected);
    }
}

/// Counts and words exactly; estimates to 1e-9, everything else to 1e-6.
fn same(key: &str, got: &Value, expected: &Value) {
    match expected {
        Value::Object(fields) => fields
            .iter()
            .for_each(|(key, expected)| same(key, &got[key], expected)),
        Value::Array(items) => {
            assert_eq!(got.as_array().map(Vec::len), Some(items.len()), "{key}: {got}");
            items
                .iter()
                .enumerate()
                .for_each(|(i, expected)| same(key, &got[i], expected));
        }
        Value::Number(number) if number.is_f64() => {
            let tolerance = if key == "estimate" { 1e-9 } else { 1e-6 };
            close(
                got.as_f64().unwrap_or_else(|| panic!("{key}: {got}")),
                number.as_f64().expect("a number"),
                tolerance,
            );
        }
        exact => assert_eq!(got, exact, "{key}"),
    }
}

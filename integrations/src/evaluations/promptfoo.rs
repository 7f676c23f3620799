//! promptfoo's result file (`promptfoo eval -o results.json`, version 3). Source: promptfoo.dev, "Output formats", and
//! the `EvaluateResult` type of its repository.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Answers, Converted, Unusable, paired};

#[derive(Deserialize)]
struct File {
    results: Results,
}

#[derive(Deserialize)]
struct Results {
    results: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    test_idx: Option<u64>,
    prompt_idx: Option<u64>,
    #[serde(default)]
    provider: Value,
    success: bool,
    score: Option<f64>,
    latency_ms: Option<f64>,
    cost: Option<f64>,
    #[serde(default)]
    response: Value,
    #[serde(default)]
    test_case: Value,
    #[serde(default)]
    grading_result: Value,
}

/// Pairs of two providers of one file, by their label or id.
///
/// # Errors
/// When it is no such file, or does not have the two; the sentence names those it has.
pub fn pairs(text: &str, incumbent: &str, candidate: &str) -> Result<Converted, Unusable> {
    let file: File = serde_json::from_str(text).map_err(|error| {
        Unusable(format!(
            "no result file of promptfoo ({error}); write one with `promptfoo eval -o results.json`"
        ))
    })?;
    let rows = &file.results.results;
    let of = |wanted: &str| -> Result<Answers, Unusable> {
        let own: Answers = rows
            .iter()
            .enumerate()
            .filter(|(_, row)| [label(row), id(row)].contains(&wanted))
            .map(|(at, row)| (trace(row, at), answer(row)))
            .collect();
        if own.is_empty() {
            let known: BTreeSet<&str> = rows.iter().map(label).collect();
            let known: Vec<&str> = known.into_iter().collect();
            return Err(Unusable(format!(
                "there is no provider {wanted}; the file has {}",
                known.join(", ")
            )));
        }
        Ok(own)
    };
    paired(of(incumbent)?, of(candidate)?)
}

fn id(row: &Row) -> &str {
    row.provider["id"]
        .as_str()
        .or(row.provider.as_str())
        .unwrap_or_default()
}

fn label(row: &Row) -> &str {
    row.provider["label"]
        .as_str()
        .filter(|label| !label.is_empty())
        .unwrap_or_else(|| id(row))
}

/// Tests are numbered; several prompts of one test are traces of their own.
fn trace(row: &Row, at: usize) -> String {
    let test = row.test_idx.unwrap_or(at as u64);
    match row.prompt_idx {
        Some(prompt) if prompt > 0 => format!("test-{test}-prompt-{prompt}"),
        _ => format!("test-{test}"),
    }
}

fn answer(row: &Row) -> Value {
    let tokens = &row.response["tokenUsage"];
    let mut checks = Map::new();
    for part in row.grading_result["componentResults"]
        .as_array()
        .into_iter()
        .flatten()
    {
        let Some(kind) = part.pointer("/assertion/type").and_then(Value::as_str) else {
            continue;
        };
        // Several assertions of one kind pass together.
        let passed = part["pass"] == true && checks.get(kind).is_none_or(|so_far| so_far == true);
        checks.insert(kind.to_owned(), json!(passed));
    }
    json!({
        "ok": row.success,
        // promptfoo's score is 0 to 1.
        "score": row.score.map(|score| score.clamp(0.0, 1.0)),
        "cost_usd": row.cost.map(|cost| format!("{cost:.10}")),
        "latency_ms": row.latency_ms,
        "input_tokens": tokens["prompt"].as_u64(),
        "output_tokens": tokens["completion"].as_u64(),
        "checks": checks,
        "stratum": row.test_case.pointer("/metadata/stratum").and_then(Value::as_str),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> String {
        let row = |test: u64, provider: &str, success: bool| {
            json!({"promptIdx": 0, "testIdx": test, "success": success, "score": if success { 1.0 } else { 0.5 },
                "provider": {"id": format!("openai:chat:{provider}"), "label": provider}, "latencyMs": 812, "cost": 0.00012,
                "response": {"output": "hush", "tokenUsage": {"total": 40, "prompt": 30, "completion": 10}},
                "testCase": {"metadata": {"stratum": "refunds"}},
                "gradingResult": {"componentResults": [
                    {"pass": true, "assertion": {"type": "is-json"}},
                    {"pass": success, "assertion": {"type": "contains"}},
                    {"pass": true, "assertion": {"type": "contains"}}]}})
        };
        json!({"evalId": "e", "results": {"version": 3, "results":
            [row(0, "now", true), row(0, "new", false), row(1, "now", true), row(1, "new", true), row(2, "now", true)]}})
        .to_string()
    }

    #[test]
    fn two_providers_of_a_file_become_pairs_without_their_texts() {
        let converted = pairs(&file(), "now", "openai:chat:new").unwrap();
        assert_eq!((converted.pairs.lines().count(), converted.unpaired), (2, 1));
        let first: Value = serde_json::from_str(converted.pairs.lines().next().unwrap()).unwrap();
        assert_eq!(
            (&first["trace_id"], &first["stratum"]),
            (&json!("test-0"), &json!("refunds"))
        );
        let candidate = &first["arms"]["candidate"];
        assert_eq!(candidate["checks"], json!({"is-json": true, "contains": false}));
        assert_eq!(
            (&candidate["ok"], &candidate["cost_usd"]),
            (&json!(false), &json!("0.0001200000"))
        );
        assert!(!converted.pairs.contains("hush"));
    }

    #[test]
    fn a_provider_that_is_not_there_is_told_with_those_that_are() {
        let told = pairs(&file(), "old", "new").unwrap_err().to_string();
        assert_eq!(told, "there is no provider old; the file has new, now");
        assert!(
            pairs("[]", "a", "b")
                .unwrap_err()
                .to_string()
                .starts_with("no result file of promptfoo (")
        );
    }
}

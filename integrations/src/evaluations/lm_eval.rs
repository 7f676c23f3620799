//! lm-evaluation-harness' samples (`lm_eval --log_samples`), one file a model. Source: its `docs/interface.md` and
//! `evaluation_tracker`.

use serde_json::{Value, json};

use super::{Answers, Converted, Unusable, paired};

/// Pairs of two files of samples of one task, judged by `metric` (`exact_match`, `acc`); the metric of the file when
/// it has only one.
///
/// # Errors
/// Names the file's line and what is missing there.
pub fn pairs(incumbent: &str, candidate: &str, metric: Option<&str>) -> Result<Converted, Unusable> {
    paired(
        answers(incumbent, metric).map_err(|why| Unusable(format!("the incumbent's file: {why}")))?,
        answers(candidate, metric).map_err(|why| Unusable(format!("the candidate's file: {why}")))?,
    )
}

fn answers(text: &str, metric: Option<&str>) -> Result<Answers, String> {
    let lines = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(at, line)| {
            let sample: Value =
                serde_json::from_str(line).map_err(|error| format!("line {}: not JSON: {error}", at + 1))?;
            let told = |why: String| format!("line {}: {why}", at + 1);
            let trace = trace(&sample).ok_or_else(|| told("`doc_id` is missing".to_owned()))?;
            let name = match metric {
                Some(name) => name,
                None => only_metric(&sample).map_err(told)?,
            };
            let score = sample[name].as_f64();
            let score = score.ok_or_else(|| told(format!("it has no figure called {name}")))?;
            let answer = json!({"ok": score >= 1.0, "score": (score < 1.0 && score > 0.0).then_some(score),
                "stratum": sample["doc"]["subject"].as_str().or_else(|| sample["doc"]["category"].as_str())});
            Ok((trace, answer))
        })
        .collect()
}

/// One document may be scored by several filters.
fn trace(sample: &Value) -> Option<String> {
    let doc = match &sample["doc_id"] {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        _ => return None,
    };
    Some(match sample["filter"].as_str() {
        Some(filter) if filter != "none" => format!("doc-{doc}-{filter}"),
        _ => format!("doc-{doc}"),
    })
}

/// Newer files list their metrics.
fn only_metric(sample: &Value) -> Result<&str, String> {
    let listed: Vec<&str> = sample["metrics"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let known = ["exact_match", "acc", "acc_norm", "pass@1", "f1"];
    let found: Vec<&str> = known
        .into_iter()
        .filter(|name| sample[*name].is_number())
        .collect();
    match (listed.as_slice(), found.as_slice()) {
        ([one], _) | ([], [one]) => Ok(one),
        ([], []) => Err("it has no metric that is known; name one with --metric".to_owned()),
        ([], several) | (several, _) => Err(format!(
            "it has the metrics {}; choose one with --metric",
            several.join(", ")
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(scores: &[f64]) -> String {
        let line = |(doc, score): (usize, &f64)| {
            json!({"doc_id": doc, "doc": {"subject": "law"}, "filter": "strict-match", "exact_match": score,
                   "metrics": ["exact_match"], "resps": [["hush"]]})
            .to_string()
        };
        scores.iter().enumerate().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn two_files_of_one_task_become_pairs_by_document() {
        let converted = pairs(&samples(&[1.0, 0.0, 1.0]), &samples(&[1.0, 1.0]), None).unwrap();
        assert_eq!((converted.pairs.lines().count(), converted.unpaired), (2, 1));
        let second: Value = serde_json::from_str(converted.pairs.lines().nth(1).unwrap()).unwrap();
        assert_eq!(
            (&second["trace_id"], &second["stratum"]),
            (&json!("doc-1-strict-match"), &json!("law"))
        );
        assert_eq!(second["arms"]["incumbent"]["ok"], false);
        assert!(!converted.pairs.contains("hush"));
    }

    #[test]
    fn what_is_missing_is_told_with_its_line() {
        let good = samples(&[1.0]);
        let told = |file: &str, metric| pairs(file, &good, metric).unwrap_err().to_string();
        assert_eq!(
            told(&good, Some("bleu")),
            "the incumbent's file: line 1: it has no figure called bleu"
        );
        assert_eq!(
            told("{}", None),
            "the incumbent's file: line 1: `doc_id` is missing"
        );
        assert_eq!(
            told(r#"{"doc_id":1,"acc":1,"acc_norm":0}"#, None),
            "the incumbent's file: line 1: it has the metrics acc, acc_norm; choose one with --metric"
        );
    }
}

//! The 22 comparisons of real models (BFCL, Apache-2.0 data of the Gorilla project), from recorded runs.

use std::collections::BTreeMap;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde_json::Value;

use super::agrees;
use crate::shadow::analysis::pairs::{Arm, Arms, Pair};
use crate::shadow::analysis::plan::{Plan, Stratum};
use crate::shadow::analysis::{analyze, report::Report};
use crate::values::Usd;
use crate::vectors::{close, close_limits, load, number, unzipped};

/// Recorded answers by (run, model), then by (category, index).
type Runs = BTreeMap<(String, String), BTreeMap<(String, u64), Arm>>;

#[test]
fn known_answers_of_22_real_comparisons() {
    let Some(runs) = runs() else { return };
    let file = load("cli/analyze/bfcl_expected.json").expect("answers");
    for case in file["cases"].as_array().expect("cases") {
        let category = case["category"].as_str();
        let categories = category.map(|c| vec![c.to_owned()]);
        let report = compare(
            &runs,
            &case["incumbent"],
            &case["candidate"],
            categories.as_deref(),
        );
        agrees(case["id"].as_str().expect("an id"), &report, &case["expected"]);
    }
}

#[test]
fn costs_and_latencies_of_22_real_comparisons() {
    let Some(runs) = runs() else { return };
    let file = load("stats/bfcl_comparisons.json").expect("answers");
    for case in file["cases"].as_array().expect("cases") {
        let categories: Option<Vec<String>> =
            serde_json::from_value(case["cats"].clone()).expect("categories");
        let report = compare(&runs, &case["inc"], &case["cand"], categories.as_deref());
        let cost = report.cost.expect("costs");
        close(cost.ratio.expect("a ratio"), number(&case["cost_ratio"]), 1e-9);
        close_limits(cost.interval.expect("limits").into(), &case["cost_ratio95"], 1e-9);
        close(
            cost.input_token_ratio.expect("tokens"),
            number(&case["tin_ratio"]),
            1e-9,
        );
        close(
            cost.output_token_ratio.expect("tokens"),
            number(&case["tout_ratio"]),
            1e-9,
        );
        let latency = report.latency.expect("latencies");
        let triples = [
            ("p50_inc", latency.p50.incumbent),
            ("p50_cand", latency.p50.candidate),
            ("p95_inc", latency.p95.incumbent),
            ("p95_cand", latency.p95.candidate),
        ];
        for (key, (point, lower, upper)) in triples {
            let seconds = [Some(point), lower, upper].map(|ms| ms.expect("bounded") / 1_000.0);
            for (got, expected) in seconds.into_iter().zip(case[key].as_array().expect(key)) {
                close(got, number(expected), 1e-9);
            }
        }
    }
}

#[test]
fn the_two_comparisons_that_matter_most() {
    let Some(runs) = runs() else { return };
    let august = |model: &str| serde_json::json!(["2024-08-11", model]);
    let worse = compare(
        &runs,
        &august("gpt-4-turbo-2024-04-09-FC"),
        &august("gpt-4o-mini-2024-07-18-FC"),
        None,
    );
    insta::assert_snapshot!(told(&worse), @r"
    NotEligible
    stratum relevance: clearly worse, and not shown to stay within what is allowed. The candidate is 7.5 points worse (between 3.6 and 12.1 points worse); up to 10.0 points worse is allowed. By chance alone this would come about with probability 0.0032. 240 traces were tested; about 1,727 would settle it.
    quality: measurably worse, though within what is allowed. The candidate is 1.9 points worse (between 0.5 and 3.5 points worse).
    ");
    let clean = compare(
        &runs,
        &august("gpt-4o-2024-05-13-FC"),
        &august("gpt-4o-2024-08-06-FC"),
        None,
    );
    insta::assert_snapshot!(told(&clean), @r"Eligible");
    let dearer = compare(
        &runs,
        &august("gpt-4o-2024-05-13-FC"),
        &august("claude-3-5-sonnet-20240620-FC"),
        None,
    );
    insta::assert_snapshot!(told(&dearer), @r"
    NotEligible
    quality: clearly worse, and not shown to stay within what is allowed. The candidate is 6.8 points worse (between 4.3 and 9.3 points worse); up to 5.0 points worse is allowed. By chance alone this would come about with probability below 0.0001. 1,240 traces were tested.
    quality_weighted: cannot be told yet. The candidate is 6.8 points worse (between 4.5 and 9.1 points worse); up to 5.0 points worse is allowed. 1,240 traces were tested.
    stratum parallel_function: worse than allowed. The candidate is 28.0 points worse (between 21.2 and 35.1 points worse); up to 10.0 points worse is allowed. By chance alone this would come about with probability below 0.0001. 200 traces were tested.
    stratum parallel_multiple_function: worse than allowed. The candidate is 30.0 points worse (between 22.9 and 37.3 points worse); up to 10.0 points worse is allowed. By chance alone this would come about with probability below 0.0001. 200 traces were tested.
    cost: dearer than allowed. The candidate costs 2.131 times as much (between 2.049 and 2.212); it must cost less than today.
    latency: slower than allowed. The slowest 5 % take 1.661 times (between 1.385 and 1.913) as long; it must take less than 1.25 times as long as today.
    ");
}

fn told(report: &Report) -> String {
    let lines = report.reasons.iter().chain(&report.notes).map(String::as_str);
    let verdict = format!("{:?}", report.verdict);
    std::iter::once(verdict.as_str())
        .chain(lines)
        .collect::<Vec<_>>()
        .join("\n")
}

/// What `shared/tools/bfcl_pairs.py` builds, analysed.
fn compare(runs: &Runs, incumbent: &Value, candidate: &Value, categories: Option<&[String]>) -> Report {
    let key =
        |value: &Value| -> (String, String) { serde_json::from_value(value.clone()).expect("run and model") };
    let (old, new) = (&runs[&key(incumbent)], &runs[&key(candidate)]);
    let pairs: Vec<Pair> = old
        .iter()
        .filter(|((category, _), _)| categories.is_none_or(|taken| taken.contains(category)))
        .filter_map(|(prompt, arm)| Some((prompt, arm, new.get(prompt)?)))
        .map(|((category, index), incumbent, candidate)| Pair {
            trace_id: format!("{category}-{index}"),
            stratum: Some(category.clone()),
            cluster: None,
            arms: Arms {
                incumbent: incumbent.clone(),
                candidate: candidate.clone(),
                recorded: None,
                incumbent_repeat: None,
            },
        })
        .collect();
    let mut sizes: BTreeMap<String, f64> = BTreeMap::new();
    for pair in &pairs {
        *sizes.entry(pair.stratum.clone().unwrap_or_default()).or_default() += 1.0;
    }
    let weigh = |(name, size)| {
        (
            name,
            Stratum {
                weight: Some(size / pairs.len() as f64),
                material: true,
            },
        )
    };
    let plan = Plan {
        strata: sizes.into_iter().map(weigh).collect(),
        seed_hex: "676f7665726e6f722d73686f776e2d31".to_owned(),
        claims_savings: true,
        ..Plan::default()
    };
    analyze(&plan, &pairs)
}

fn runs() -> Option<Runs> {
    let prices: BTreeMap<String, [Value; 2]> =
        serde_json::from_value(load("stats/bfcl_comparisons.json")?["prices_usd_per_mtok"].clone())
            .expect("prices");
    let mut runs = Runs::new();
    for line in unzipped("bfcl_runs.jsonl.gz")?.lines() {
        let row: Value = serde_json::from_str(line).expect("JSON");
        let text = |key: &str| row[key].as_str().expect(key).to_owned();
        let tokens = |key: &str| row[key].as_f64().map(|n| n as u64);
        let (input, output) = (tokens("tin"), tokens("tout"));
        let cost = prices.get(&text("model")).and_then(|[to_read, to_write]| {
            let price = |value: &Value| Decimal::from_str(&value.to_string()).expect("a price");
            let dollars = Decimal::from(input?) * price(to_read) + Decimal::from(output?) * price(to_write);
            Some(Usd(dollars / Decimal::from(1_000_000)))
        });
        let seconds = row["lat"]
            .is_number()
            .then(|| Decimal::from_str(&row["lat"].to_string()).expect("seconds"));
        let arm = Arm {
            ok: row["ok"].as_bool().expect("ok"),
            cost_usd: cost,
            latency_ms: seconds.map(|s| (s * Decimal::from(1_000)).try_into().expect("a number")),
            input_tokens: input,
            output_tokens: output,
            ..Arm::default()
        };
        let prompt = (text("cat"), row["i"].as_u64().expect("i"));
        runs.entry((text("run"), text("model")))
            .or_default()
            .insert(prompt, arm);
    }
    Some(runs)
}

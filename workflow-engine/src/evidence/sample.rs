//! Reports of real comparisons, for tests. Figures: BFCL leaderboard runs of August 2024 (gorilla, Apache-2.0), as published
//! by its data repository; verdicts, tokens, prices and latencies are theirs, the rest is computed from them.

use serde_json::{Value, json};

use crate::shadow::analysis::report::Report;

/// A quality endpoint: estimate, limits, outcome, and the adjusted p of "any difference".
pub(crate) fn quality(
    stratum: Option<&str>,
    n: u64,
    figures: [f64; 3],
    (outcome, holm): (&str, f64),
) -> Value {
    let [estimate, lower, upper] = figures;
    json!({
        "endpoint": "quality", "stratum": stratum, "n": n, "estimate": estimate, "interval": [lower, upper],
        "method": "tango", "level": 0.95, "margin": if stratum.is_some() { 0.10 } else { 0.05 },
        "p_non_inferior": null, "mcnemar_holm": holm, "outcome": outcome, "measurably_worse": upper < 0.0,
        "n_needed": if outcome == "inconclusive" { Some(n + 237) } else { None },
    })
}

fn report(endpoints: Vec<Value>, cost: [f64; 5], p95: [f64; 4], verdict: &str, reasons: &[&str]) -> Report {
    let [ratio, lower, upper, tokens, input] = cost;
    let cost_outcome = if upper < 1.0 { "non_inferior" } else { "inferior" };
    let [today, point, low, high] = p95;
    let report = json!({
        "plan_sha256": "0".repeat(64), "n": 1240, "excluded": {}, "endpoints": endpoints,
        "aa": {"recorded": null, "incumbent_repeat": null},
        "cost": {
            "n": 1240, "incumbent_usd": "5.40", "candidate_usd": "1.00", "ratio": ratio, "interval": [lower, upper],
            "token_effect": tokens, "price_effect": ratio / tokens, "input_token_ratio": input,
            "output_token_ratio": 1.0, "margin": 1.0, "outcome": cost_outcome,
        },
        "latency": {
            "n": 1240,
            "p50": {"incumbent": [today / 3.0, null, null], "candidate": [point / 3.0, null, null]},
            "p95": {"incumbent": [today, today * 0.9, today * 1.1], "candidate": [point, low, high]},
            "p95_ratio": {
                "ratio": point / today, "interval": [low / today, high / today], "margin": 1.25,
                "outcome": if high / today < 1.25 { "non_inferior" } else { "inconclusive" },
            },
        },
        "verdict": verdict, "reasons": reasons,
    });
    serde_json::from_value(report).unwrap_or_else(|why| panic!("{why}"))
}

/// gpt-4-turbo to gpt-4o-mini: fine on average, measurably worse, clearly worse where no tool applies.
pub(crate) fn turbo_to_mini() -> Report {
    let good = "non_inferior";
    let endpoints = vec![
        quality(
            None,
            1240,
            [-0.019_354_8, -0.034_563_8, -0.004_800_2],
            (good, 0.063_36),
        ),
        quality(
            Some("multiple_function"),
            200,
            [0.0, -0.026_924_9, 0.026_924_9],
            (good, 1.0),
        ),
        quality(
            Some("parallel_function"),
            200,
            [-0.01, -0.049_130_9, 0.027_260_7],
            (good, 1.0),
        ),
        quality(
            Some("parallel_multiple_function"),
            200,
            [-0.025, -0.072_129_1, 0.019_291_8],
            (good, 1.0),
        ),
        quality(
            Some("relevance"),
            240,
            [-0.075, -0.120_614_2, -0.036_336_2],
            ("inconclusive", 0.003_201_1),
        ),
        quality(
            Some("simple"),
            400,
            [0.0025, -0.023_430_9, 0.028_692_6],
            (good, 1.0),
        ),
    ];
    let cost = [0.016_832_3, 0.016_559_7, 0.017_105, 0.961_132_9, 0.969_140_9];
    let reasons = ["stratum relevance: clearly worse"];
    report(
        endpoints,
        cost,
        [9298.2, 5000.9, 4661.0, 6043.6],
        "not_eligible",
        &reasons,
    )
}

/// gpt-4o of May to gpt-4o of August: better, and cheaper.
pub(crate) fn may_to_august() -> Report {
    let good = "non_inferior";
    let endpoints = vec![
        quality(None, 1240, [0.037_9, 0.023_8, 0.052_7], (good, 0.000_1)),
        quality(Some("relevance"), 240, [0.0292, -0.002, 0.064], (good, 0.2)),
        quality(Some("simple"), 400, [0.02, -0.004, 0.045], (good, 0.2)),
    ];
    report(
        endpoints,
        [0.571_4, 0.560_1, 0.583, 0.97, 0.98],
        [4200.0, 4100.0, 3800.0, 4700.0],
        "eligible",
        &[],
    )
}

/// gpt-4o of May to claude-3-5-sonnet: cheaper by the list, twice the bill, and worse.
pub(crate) fn gpt_to_claude() -> Report {
    let endpoints = vec![
        quality(
            None,
            1240,
            [-0.067_7, -0.092_9, -0.042_8],
            ("inconclusive", 0.000_01),
        ),
        quality(Some("relevance"), 240, [0.02, -0.03, 0.07], ("non_inferior", 1.0)),
        quality(Some("simple"), 400, [-0.02, -0.05, 0.01], ("non_inferior", 0.5)),
    ];
    let reasons = ["quality: clearly worse", "cost: too much"];
    report(
        endpoints,
        [2.13, 2.08, 2.18, 2.9, 3.08],
        [4200.0, 6100.0, 5600.0, 6900.0],
        "not_eligible",
        &reasons,
    )
}

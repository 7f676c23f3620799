//! Tools that are not ours compute a report again from our CSV: statsmodels, scipy, paired-eval and evaltrust from PyPI.
//!
//! They live in a Python environment beside the build, made once; where it cannot be made the test says "skipped".

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use bot::packet::csv::csv;
use serde_json::Value;
use tests::shared;
use workflow_engine::shadow::analysis::{
    analyze,
    pairs::{Arm, Arms, Pair, parse_lines},
    plan::Plan,
    report::Report,
};

const PACKAGES: [&str; 4] = [
    "statsmodels==0.15.0",
    "scipy==1.17.1",
    "paired-eval==0.4.0",
    "evaltrust==0.7.0",
];

/// The Python of the environment, made if it is not there; none where that fails.
fn python() -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("oracles");
    let python = folder.join("bin/python");
    // Only a complete environment is marked.
    let mark = folder.join(PACKAGES.join(","));
    if mark.exists() {
        return Some(python);
    }
    let ran = |program: &Path, args: &[&str]| {
        Command::new(program)
            .args(args)
            .output()
            .is_ok_and(|output| output.status.success())
    };
    let place = folder.to_str()?;
    let made = ran("python3".as_ref(), &["-m", "venv", place]);
    let install: Vec<&str> = ["-m", "pip", "install", "--quiet"]
        .into_iter()
        .chain(PACKAGES)
        .collect();
    if made && ran(&python, &install) && std::fs::write(&mark, "").is_ok() {
        return Some(python);
    }
    println!("skipped: {} cannot be installed from PyPI", PACKAGES.join(", "));
    None
}

/// What the other tools say of `pairs`, taken from our table.
fn asked(python: &Path, pairs: &[Pair]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("pairs.csv");
    std::fs::write(&table, csv(pairs)).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/it/oracles.py");
    let output = Command::new(python).arg(script).arg(&table).output().unwrap();
    let trouble = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{trouble}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[track_caller]
fn close(theirs: &Value, ours: f64, tolerance: f64) {
    let theirs = theirs.as_f64().unwrap_or_else(|| panic!("{theirs} is no number"));
    assert!((theirs - ours).abs() <= tolerance, "theirs {theirs}, ours {ours}");
}

/// Fails where a tool disagrees with the report of the same pairs.
fn agree(report: &Report, said: &Value) {
    let quality = &report.endpoints[0];
    let (interval, exact) = (quality.interval.unwrap(), quality.mcnemar_exact.unwrap());
    assert_eq!(said["n"], report.n);

    close(&said["statsmodels"]["mcnemar_exact"], exact, 1e-9);
    close(&said["scipy"]["sign_test"], exact, 1e-9);
    close(&said["scipy"]["estimate"], quality.estimate, 1e-12);
    // Their interval comes from a numeric search, ours from the closed form.
    close(&said["scipy"]["tango"][0], interval.lower, 1e-6);
    close(&said["scipy"]["tango"][1], interval.upper, 1e-6);

    let cost = report.cost.as_ref().unwrap();
    let limits = cost.interval.unwrap();
    close(&said["scipy"]["cost_ratio"], cost.ratio.unwrap(), 1e-9);
    close(&said["scipy"]["cost_interval"][0], limits.lower, 1e-9);
    close(&said["scipy"]["cost_interval"][1], limits.upper, 1e-9);
    let p95 = report.latency.as_ref().unwrap().p95;
    close(&said["scipy"]["p95"][0], p95.incumbent.0, 1e-6);
    close(&said["scipy"]["p95"][1], p95.candidate.0, 1e-6);

    close(&said["paired_eval"]["mean_diff"], quality.estimate, 1e-12);
    close(&said["paired_eval"]["mcnemar"], exact, 1e-9);
    // Another method (bootstrap of the mean): close, not equal.
    close(&said["paired_eval"]["diff_ci"][0], interval.lower, 0.01);
    close(&said["paired_eval"]["diff_ci"][1], interval.upper, 0.01);

    let decision = said["evaltrust"]["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|finding| finding["details"]["check"] == "decision")
        .unwrap();
    close(&decision["details"]["p_value"], exact, 1e-9);
}

/// 600 pairs with costs and latencies, in which the candidate is somewhat worse.
fn made_up() -> Vec<Pair> {
    (0..600_u32)
        .map(|index| {
            let arm = |ok: bool, factor: f64| Arm {
                ok,
                cost_usd: Some(
                    format!("0.00{}", 100 + index * 7 % 800 + u32::from(factor > 1.0))
                        .parse()
                        .map(workflow_engine::values::Usd)
                        .unwrap(),
                ),
                latency_ms: Some(factor * (300.0 + f64::from(index * 37 % 911))),
                ..Arm::default()
            };
            Pair {
                trace_id: format!("t{index}"),
                stratum: Some(if index % 3 == 0 { "a" } else { "b" }.to_owned()),
                cluster: None,
                arms: Arms {
                    incumbent: arm(index % 11 != 0, 1.0),
                    candidate: arm(index % 9 != 0, 1.1),
                    recorded: None,
                    incumbent_repeat: None,
                },
            }
        })
        .collect()
}

#[test]
fn four_independent_tools_agree_with_our_report_from_our_table() {
    let Some(python) = python() else { return };
    let pairs = made_up();
    agree(&analyze(&Plan::default(), &pairs), &asked(&python, &pairs));

    let Some(shared) = shared() else { return };
    let real = shared.join("vectors/cli/analyze/gpt-4-turbo__gpt-4o-mini.pairs.ndjson");
    let pairs = parse_lines(&std::fs::read_to_string(real).unwrap()).unwrap();
    agree(&analyze(&Plan::default(), &pairs), &asked(&python, &pairs));
}

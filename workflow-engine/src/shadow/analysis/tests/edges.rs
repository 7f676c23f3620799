//! The rules of the verdict at their edges.

use std::collections::BTreeMap;

use crate::shadow::analysis::analyze;
use crate::shadow::analysis::pairs::{Arm, Arms, Pair};
use crate::shadow::analysis::plan::{Mode, Plan, Stratum};
use crate::shadow::analysis::report::{Method, Outcome, Report, Verdict};
use crate::values::Usd;
use proptest::prelude::*;

/// `n` pairs of which the first `worse` only the incumbent got right, the next `better` only the candidate.
fn pairs(n: usize, worse: usize, better: usize) -> Vec<Pair> {
    (0..n)
        .map(|i| {
            let arm = |ok| Arm { ok, ..Arm::default() };
            Pair {
                trace_id: format!("t{i}"),
                stratum: None,
                cluster: None,
                arms: Arms {
                    incumbent: arm(i < worse || i >= worse + better),
                    candidate: arm(i >= worse),
                    recorded: None,
                    incumbent_repeat: None,
                },
            }
        })
        .collect()
}

fn with(mut pairs: Vec<Pair>, change: impl Fn(usize, &mut Pair)) -> Vec<Pair> {
    pairs.iter_mut().enumerate().for_each(|(i, pair)| change(i, pair));
    pairs
}

fn reasons(report: &Report) -> String {
    report.reasons.join("\n")
}

#[test]
fn no_pairs_say_nothing() {
    let report = analyze(&Plan::default(), &[]);
    assert_eq!(report.verdict, Verdict::Inconclusive);
    insta::assert_snapshot!(reasons(&report), @r"quality: cannot be told, because there are no pairs.");
}

#[test]
fn equal_arms_pass() {
    let report = analyze(&Plan::default(), &pairs(200, 0, 0));
    assert_eq!((report.verdict, report.reasons.len()), (Verdict::Eligible, 0));
}

#[test]
fn a_margin_for_what_nobody_measured_is_not_passed() {
    let mut plan = Plan::default();
    plan.margins.checks.insert("schema".to_owned(), 0.01);
    plan.claims_savings = true;
    let report = analyze(&plan, &pairs(200, 0, 0));
    assert_eq!(report.verdict, Verdict::Inconclusive);
    insta::assert_snapshot!(reasons(&report), @r"
    schema: cannot be told, because no trace has it on both arms although the plan sets a margin for it.
    cost: cannot be told, because no trace has a cost on both arms.
    ");
}

#[test]
fn an_immaterial_stratum_blocks_nothing() {
    let both = with(pairs(300, 20, 0), |i, pair| {
        pair.stratum = Some(if i < 60 { "rare" } else { "usual" }.to_owned())
    });
    let mut plan = Plan::default();
    plan.margins.quality = 0.2;
    assert_eq!(analyze(&plan, &both).verdict, Verdict::NotEligible);
    plan.strata.insert(
        "rare".to_owned(),
        Stratum {
            weight: None,
            material: false,
        },
    );
    let report = analyze(&plan, &both);
    assert_eq!(report.verdict, Verdict::Eligible);
    let rare = report
        .endpoints
        .iter()
        .find(|e| e.stratum.as_deref() == Some("rare"))
        .expect("rare");
    assert_eq!((rare.outcome, rare.mcnemar_holm), (Some(Outcome::Inferior), None));
}

#[test]
fn sessions_widen_what_single_traces_would_claim() {
    let one_bad_session = with(pairs(300, 9, 0), |i, pair| {
        pair.cluster = Some(format!("session-{}", i / 30))
    });
    let report = analyze(&Plan::default(), &one_bad_session);
    let quality = &report.endpoints[0];
    assert!(quality.cluster_interval.expect("clusters").lower < quality.interval.expect("limits").lower);
    assert_eq!(quality.outcome, Some(Outcome::Inconclusive));
    let same_session = with(pairs(300, 0, 0), |_, pair| pair.cluster = Some("s".to_owned()));
    let report = analyze(&Plan::default(), &same_session);
    insta::assert_snapshot!(reasons(&report), @r"quality: cannot be told yet. The candidate is neither better nor worse (between 1.3 points worse and 1.3 points better); up to 5.0 points worse is allowed. All 300 traces are of one session, which says nothing about the next.");
}

#[test]
fn a_stratum_of_one_trace_cannot_be_weighed() {
    let mut plan = Plan::default();
    for name in ["a", "b"] {
        plan.strata.insert(
            name.to_owned(),
            Stratum {
                weight: Some(0.5),
                material: false,
            },
        );
    }
    let named = with(pairs(200, 0, 0), |i, pair| {
        pair.stratum = Some(if i == 0 { "a" } else { "b" }.to_owned())
    });
    let report = analyze(&plan, &named);
    let weighted = report
        .endpoints
        .iter()
        .find(|e| e.endpoint == "quality_weighted")
        .expect("weighted");
    assert_eq!((weighted.estimate, weighted.interval), (0.0, None));
    insta::assert_snapshot!(reasons(&report), @r"quality_weighted: cannot be told yet. The candidate is neither better nor worse; up to 5.0 points worse is allowed. 200 traces were tested, too few of a kind or session to bound it.");
}

#[test]
fn sequential_mode_stops_for_harm_and_leaves_the_fixed_blame_alone() {
    let plan = Plan {
        mode: Mode::Sequential,
        ..Plan::default()
    };
    let report = analyze(&plan, &pairs(120, 40, 0));
    let looks = report.sequential.expect("looks");
    assert_eq!(looks.first_non_inferior, None);
    assert!(looks.first_inferior.is_some_and(|trace| trace < 30));
    assert_eq!(
        (report.verdict, report.endpoints[0].method),
        (Verdict::NotEligible, Method::Betting)
    );
    let early = analyze(&plan, &pairs(60, 8, 0));
    assert!(early.endpoints[0].mcnemar_holm.expect("p") < 0.05);
    assert_eq!(
        early.verdict,
        Verdict::Inconclusive,
        "a p-value of a fixed sample blames nobody here"
    );
}

#[test]
fn few_latencies_and_free_incumbents_cannot_be_judged() {
    let plan = Plan {
        claims_savings: true,
        ..Plan::default()
    };
    let priced = with(pairs(71, 0, 0), |i, pair| {
        pair.arms.incumbent.latency_ms = Some(100.0 + i as f64);
        pair.arms.candidate.latency_ms = Some(50.0 + i as f64);
        pair.arms.incumbent.cost_usd = Some(Usd::ZERO);
        pair.arms.candidate.cost_usd = Some(Usd(rust_decimal::Decimal::ONE));
    });
    let report = analyze(&plan, &priced);
    let latency = report.latency.as_ref().expect("latencies");
    assert_eq!(latency.p95.incumbent.2, None);
    insta::assert_snapshot!(reasons(&report), @r"
    quality: cannot be told yet. The candidate is neither better nor worse (between 5.1 points worse and 5.1 points better); up to 5.0 points worse is allowed. 71 traces were tested.
    cost: cannot be told, because the incumbent cost nothing on the tested traces.
    latency: cannot be told from 71 traces, too few to bound a 95th percentile; it must take less than 1.25 times as long as today.
    ");
    let instant = with(priced, |_, pair| pair.arms.incumbent.latency_ms = Some(0.0));
    insta::assert_snapshot!(reasons(&analyze(&plan, &instant)), @r"
    quality: cannot be told yet. The candidate is neither better nor worse (between 5.1 points worse and 5.1 points better); up to 5.0 points worse is allowed. 71 traces were tested.
    cost: cannot be told, because the incumbent cost nothing on the tested traces.
    latency: cannot be told, because the incumbent's 95th percentile is 0 ms.
    ");
}

#[test]
fn a_noisy_incumbent_and_absent_strata_are_noted() {
    let mut plan = Plan::default();
    plan.strata.insert("night".to_owned(), Stratum::default());
    let noisy = with(pairs(300, 0, 0), |i, pair| {
        pair.arms.recorded = Some(Arm {
            ok: i >= 15,
            ..Arm::default()
        });
        pair.arms.incumbent_repeat = (i < 100).then(|| Arm {
            ok: true,
            ..Arm::default()
        });
    });
    let report = analyze(&plan, &noisy);
    assert_eq!(report.aa.incumbent_repeat.as_ref().map(|e| e.n), Some(100));
    assert_eq!(report.aa.recorded.as_ref().map(|e| e.estimate), Some(0.05));
    insta::assert_snapshot!(report.notes.join("\n"), @r"
    quality: today's model against itself (as recorded and now) moves by 5.0 points, so a margin of 5.0 points is within its noise.
    stratum night: the plan names it, but no trace of it was tested.
    ");
}

#[test]
fn what_an_endpoint_could_not_use_is_counted() {
    let partial = with(pairs(20, 0, 0), |i, pair| {
        for arm in [&mut pair.arms.incumbent, &mut pair.arms.candidate] {
            arm.score = (i < 15).then_some(0.5);
            arm.checks = (i < 12)
                .then(|| ("schema".to_owned(), true))
                .into_iter()
                .collect();
            arm.latency_ms = Some(1.0);
        }
    });
    let expected = [("cost", 20), ("schema", 8), ("score", 5), ("tokens", 20)];
    let expected: BTreeMap<String, u64> = expected.map(|(name, count)| (name.to_owned(), count)).into();
    assert_eq!(analyze(&Plan::default(), &partial).excluded, expected);
}

/// A pair with everything measured, at odd values; `kind` picks what is missing or degenerate.
fn measured(i: usize, kind: u8) -> Pair {
    let arm = |ok: bool, i: usize| Arm {
        ok,
        score: (kind & 1 == 0).then(|| {
            if kind & 2 == 0 {
                (i % 5) as f64 / 4.0 - 0.5
            } else {
                0.5
            }
        }),
        cost_usd: (kind & 4 == 0).then(|| Usd(rust_decimal::Decimal::new((i % 7) as i64, 5))),
        latency_ms: (kind & 8 == 0).then_some((i * 31 % 17) as f64),
        ttft_ms: None,
        input_tokens: (kind & 16 == 0).then_some(i as u64 % 3),
        output_tokens: Some(0),
        checks: [("schema".to_owned(), !i.is_multiple_of(4))].into(),
    };
    Pair {
        trace_id: format!("t{i}"),
        stratum: (kind & 32 == 0).then(|| format!("s{}", i % 3)),
        cluster: (kind & 64 == 0).then(|| format!("c{}", i % 4)),
        arms: Arms {
            incumbent: arm(!i.is_multiple_of(3), i),
            candidate: arm(!i.is_multiple_of(5), i + usize::from(kind)),
            recorded: Some(arm(!i.is_multiple_of(2), i)),
            incumbent_repeat: None,
        },
    }
}

proptest! {
    #[test]
    fn a_report_reads_back_as_itself_whatever_the_pairs(n in 1usize..90, kind: u8) {
        let mut plan = Plan { mode: if kind & 128 == 0 { Mode::Fixed } else { Mode::Sequential }, ..Plan::default() };
        plan.margins.checks = [("score".to_owned(), 0.05), ("schema".to_owned(), 0.01)].into();
        plan.strata = (0..3).map(|s| (format!("s{s}"), Stratum { weight: Some(f64::from(s)), material: s > 0 })).collect();
        let taken: Vec<Pair> = (0..n).map(|i| measured(i, kind)).collect();
        let report = analyze(&plan, &taken);
        let text = serde_json::to_string(&report).expect("JSON");
        prop_assert_eq!(serde_json::from_str::<Report>(&text).expect("a report"), report);
    }

    #[test]
    fn a_wider_margin_never_turns_a_pass_into_a_failure(n in 10usize..200, worse in 0usize..40, better in 0usize..40) {
        prop_assume!(worse + better <= n);
        let taken = pairs(n, worse, better);
        let verdict = |quality| {
            let mut plan = Plan::default();
            plan.margins.quality = quality;
            analyze(&plan, &taken).verdict
        };
        prop_assert!(verdict(0.03) != Verdict::Eligible || verdict(0.08) == Verdict::Eligible);
        prop_assert!(verdict(0.08) != Verdict::NotEligible || verdict(0.03) == Verdict::NotEligible);
    }

    #[test]
    fn the_same_input_gives_the_same_report(n in 2usize..60, worse in 0usize..20, seed: u64) {
        prop_assume!(worse <= n);
        let plan = Plan { seed_hex: format!("{seed:016x}"), ..Plan::default() };
        let timed = with(pairs(n, worse, 0), |i, pair| {
            pair.arms.incumbent.latency_ms = Some((i * 37 % 11) as f64 + 1.0);
            pair.arms.candidate.latency_ms = Some((i * 17 % 13) as f64 + 1.0);
            pair.arms.candidate.score = Some(0.1);
            pair.arms.incumbent.score = Some((i % 3) as f64 / 3.0);
        });
        prop_assert_eq!(analyze(&plan, &timed), analyze(&plan, &timed));
    }
}

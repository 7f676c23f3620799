//! A finished test beside a change, as the shadow run would leave it: for pages that show evidence.

use std::collections::BTreeMap;

use entities::{decision, shadow_run};
use sea_orm::{ActiveModelTrait as _, IntoActiveModel as _};
use serde_json::{Value, json};
use workflow_engine::{
    catalog::{Margins, shadow::Source},
    change::{
        command::Command,
        state::{Assessment, Change, TestVerdict},
    },
    shadow::{
        analysis::plan::Mode,
        freeze::Pool,
        plan::{Latency, Limits, ShadowPlan, Terms},
    },
    values::{ChangeNumber, Digest, RunId, Usd},
};

use crate::desk::Desk;

/// A report in the shape of surfaces.md §3. Figures follow BFCL's runs (see `evidence::sample` in the engine).
pub fn report(verdict: &str) -> Value {
    let bad = verdict == "not_eligible";
    let kind = |name: &str, n: u64, figures: [f64; 3]| {
        let [estimate, lower, upper] = figures;
        let outcome = match (lower > -0.10, upper < -0.10) {
            (true, _) => "non_inferior",
            (_, true) => "inferior",
            _ => "inconclusive",
        };
        endpoint(
            Some(name),
            n,
            figures,
            outcome,
            if estimate < 0.0 && upper < 0.0 { 0.001 } else { 0.4 },
        )
    };
    let kinds = if bad {
        vec![
            kind("simple", 400, [0.0025, -0.021, 0.026]),
            kind("multiple", 200, [-0.01, -0.047, 0.024]),
            kind("parallel", 200, [0.015, -0.035, 0.066]),
            kind("parallel_multiple", 200, [-0.02, -0.078, 0.036]),
            kind("relevance", 240, [-0.075, -0.121, -0.036]),
        ]
    } else {
        vec![
            kind("simple", 400, [0.0225, 0.003, 0.045]),
            kind("multiple", 200, [0.01, -0.021, 0.043]),
            kind("parallel", 200, [0.06, 0.018, 0.106]),
            kind("parallel_multiple", 200, [0.08, 0.032, 0.131]),
            kind("relevance", 240, [0.0333, -0.009, 0.078]),
        ]
    };
    let overall = if bad {
        [-0.0194, -0.0346, -0.0048]
    } else {
        [0.038, 0.024, 0.053]
    };
    let mut endpoints = vec![endpoint(
        None,
        1240,
        overall,
        "non_inferior",
        if bad { 0.009 } else { 0.6 },
    )];
    endpoints.extend(kinds);
    let [ratio, low, high, tokens] = if bad {
        [0.0168, 0.0161, 0.0175, 0.961]
    } else {
        [0.571, 0.563, 0.579, 0.988]
    };
    json!({
        "plan_sha256": "0".repeat(64), "n": 1240, "excluded": {}, "endpoints": endpoints,
        "aa": {"recorded": null, "incumbent_repeat": endpoint(None, 1240, [0.001, -0.008, 0.010], "non_inferior", 1.0)},
        "cost": {
            "n": 1240, "incumbent_usd": "7.9311", "candidate_usd": if bad { "0.1332" } else { "4.5287" }, "ratio": ratio,
            "interval": [low, high], "token_effect": tokens, "price_effect": ratio / tokens, "input_token_ratio": 1.0,
            "output_token_ratio": tokens, "margin": 1.0, "outcome": "non_inferior"
        },
        "latency": {
            "n": 1240, "p50": {"incumbent": [1180.0, 1150.0, 1214.0], "candidate": [1042.0, 1011.0, 1077.0]},
            "p95": {"incumbent": [3410.0, 3120.0, 3790.0], "candidate": [3050.0, 2840.0, 3402.0]},
            "p95_ratio": {"ratio": 0.89, "interval": [0.8, 1.0], "margin": 1.25, "outcome": "non_inferior"}
        },
        "verdict": verdict,
        "reasons": if bad { json!(["stratum relevance: measurably worse (Holm p 0.001)"]) } else { json!([]) },
    })
}

fn endpoint(
    stratum: Option<&str>,
    n: u64,
    [estimate, lower, upper]: [f64; 3],
    outcome: &str,
    holm: f64,
) -> Value {
    json!({
        "endpoint": "quality", "stratum": stratum, "n": n, "estimate": estimate, "interval": [lower, upper],
        "method": "tango", "level": 0.95, "margin": if stratum.is_some() { 0.10 } else { 0.05 },
        "p_non_inferior": 0.001, "mcnemar_holm": holm, "outcome": outcome, "measurably_worse": upper < 0.0,
        "n_needed": null,
    })
}

impl Desk {
    /// Keeps a finished run of `change` with `report` (none: it is still replaying), and a policy decision.
    pub async fn keep_evidence(&self, change: &Change, run: &RunId, report: Option<Value>) {
        let at = change.filed_at.timestamp_millis();
        let done = if report.is_some() { 1240 } else { 412 };
        let row = shadow_run::Model {
            id: run.0.clone(),
            change_id: change.id.0.clone(),
            revision: 1,
            plan_sha256: vec![0; 32],
            plan: frozen(change),
            state: if done == 1240 { "finished" } else { "running" }.to_owned(),
            total: 1240,
            done,
            spent_usd: "3.10".to_owned(),
            started_at: at,
            finished_at: report.as_ref().map(|_| at + 90_000),
            report_sha256: report
                .as_ref()
                .map(|report| Digest::of(report.to_string().as_bytes()).0.to_vec()),
            report: report.map(|report| report.to_string()),
        };
        let decision = decision::Model {
            sha256: Digest::of(run.0.as_bytes()).0.to_vec(),
            change_id: change.id.0.clone(),
            phase: "assessment".to_owned(),
            body: policy().to_string(),
            at,
        };
        let kept = self.engine.db().write(move |tx| {
            Box::pin(async move {
                row.into_active_model().insert(tx).await?;
                decision.into_active_model().insert(tx).await?;
                Ok(())
            })
        });
        kept.await.expect("the run is stored");
    }
}

fn policy() -> Value {
    let finding = |control: &str, why: &str| {
        json!({
            "control": control, "title": why, "outcome": "pass", "why": why, "remedy": "", "references": [],
            "hop": {"index": 0, "provider": "openai", "model": "gpt-4o-2024-08-06", "region": "us"},
        })
    };
    json!({
        "decision": "permit", "phase": "full", "determining": ["residency"], "policy_sha256": "ab".repeat(32),
        "catalog_sha256": "cd".repeat(32), "facts_as_of": "2026-11-16",
        "findings": [
            finding("GOV-03", "Confidential data may be processed in us; this route promises us."),
            finding("GOV-04", "OpenAI keeps prompts 30 days, as long as the class allows (agreement of 1 March, checked 2 November)."),
            finding("GOV-07", "The model is pinned and is not to be retired within 90 days."),
        ],
    })
}

impl Desk {
    /// Takes a filed change to its running test `run-3`.
    pub async fn to_testing(&self, number: ChangeNumber) {
        let digest = Digest::of(b"made by a test");
        let freeze = Command::FreezePlan {
            plan: digest,
            run: RunId::from("run-3"),
        };
        for command in [Command::Admit { decision: digest }, freeze] {
            self.service(number, command).await.expect("the way to the test");
        }
    }

    /// Takes a filed change past the evidence of `run-2` to the policy's no.
    pub async fn to_denied(&self, number: ChangeNumber) {
        let digest = Digest::of(b"made by a test");
        let run = RunId::from("run-2");
        let verdict = TestVerdict {
            outcome: "not_eligible".to_owned(),
            report: digest,
        };
        let assessment = Assessment {
            tier: workflow_engine::catalog::RiskTier::Standard,
            decision: digest,
            controls: vec!["GOV-09".to_owned()],
        };
        let why = "requests where no tool applies are answered wrong more often than is allowed".to_owned();
        for command in [
            Command::Admit { decision: digest },
            Command::FreezePlan {
                plan: digest,
                run: run.clone(),
            },
            Command::SubmitEvidence { run, verdict },
            Command::Deny {
                assessment,
                packet: digest,
                why,
            },
        ] {
            self.service(number, command).await.expect("the way to the no");
        }
    }
}

/// A plan of `change` over no calls, as the run's row holds it.
fn frozen(change: &Change) -> String {
    let terms = Terms {
        change: change.number,
        revision: change.revision,
        workflow: change.workflow.clone(),
        baseline: change.baseline.clone(),
        candidate: change.candidate.clone(),
        from: change.filed_at,
        until: change.filed_at,
        kinds_by: Vec::new(),
        immaterial: Vec::new(),
        own_checks: Vec::new(),
        redaction: None,
        judge: None,
        source: Source::Replay,
        pilot: None,
        reuse_recorded: false,
        margins: Margins::default(),
        claims_savings: change.claims_savings,
        seed: [7; 16],
        limits: Limits {
            traces: 1_240,
            spend_cap_usd: Usd(25.into()),
            concurrency: 8,
            repeats: 0,
            mode: Mode::Fixed,
            latency: Latency::Vendor,
        },
    };
    let pool = Pool::draw(&terms, &[]);
    let (plan, sample) = ShadowPlan::freeze(terms, pool, &BTreeMap::new());
    json!({"plan": plan, "sample": sample}).to_string()
}

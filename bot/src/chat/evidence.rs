//! What the test and the policy found, read from their rows and said in the words that pages and packets use too.

use workflow_engine::{
    change::{event::Event, state::Change},
    engine::jobs::JobError,
    evidence::{figures, sentences},
    policy::decision::Decision,
    shadow::analysis::report::{self, Endpoint, Report},
    store,
    values::Digest,
};

use super::{Chat, view::Sources};
use crate::cards::view::{Evidence, Verdict};

/// What would happen, in one sentence.
pub(super) fn what(change: &Change) -> String {
    sentences::what(&change.baseline, &change.candidate)
}

impl Chat {
    /// The evidence of the current edition; none before there is any.
    pub(super) async fn evidence(
        &self,
        change: &Change,
        sources: &Sources,
    ) -> Result<Option<Evidence>, JobError> {
        let words = sources
            .catalog
            .workflow(change.workflow.as_str())
            .map(|entry| entry.strata.words.clone())
            .unwrap_or_default();
        if let Some(packet) = &sources.packet {
            let mut evidence = Evidence::default();
            if let Some(test) = &packet.test {
                measured(&mut evidence, &test.report, &words, change);
            }
            if evidence.verdict != Some(Verdict::NotEligible) {
                evidence.said = vec![packet.evidence.clone()];
            }
            evidence.findings = findings(&packet.policy);
            let notes = packet
                .warnings
                .iter()
                .map(|warning| ("Note".to_owned(), warning.clone()));
            evidence.findings.extend(notes);
            return Ok(Some(evidence));
        }
        let Some(digest) = decision_of(change, sources) else {
            return Ok(self.verdict(change));
        };
        let decision = store::decisions::by_digest(self.engine.db(), digest).await?;
        Ok(decision.map(|decision| Evidence {
            findings: findings(&decision),
            ..Evidence::default()
        }))
    }

    /// Between the end of the test and the packet only the verdict is known.
    fn verdict(&self, change: &Change) -> Option<Evidence> {
        let verdict = change.test.as_ref().and_then(|test| test.verdict.as_ref())?;
        Some(Evidence {
            verdict: verdict_of(&verdict.outcome),
            ..Evidence::default()
        })
    }
}

/// What stands against it first; else that everything holds.
fn findings(decision: &Decision) -> Vec<(String, String)> {
    let against: Vec<(String, String)> = decision
        .against()
        .map(|finding| {
            (
                finding.title.clone(),
                format!("{} {}", finding.why, finding.remedy)
                    .trim_end()
                    .to_owned(),
            )
        })
        .collect();
    if !against.is_empty() {
        return against;
    }
    let held = decision.determining.len();
    vec![(
        "Policy".to_owned(),
        format!("all {held} controls hold, on every hop"),
    )]
}

/// The decision that holds for the current edition: the assessment, or the admission that refused.
fn decision_of(change: &Change, sources: &Sources) -> Option<Digest> {
    if let Some(assessment) = &change.assessment {
        return Some(assessment.decision);
    }
    sources.events.iter().rev().find_map(|(_, event)| match event {
        Event::AdmissionRefused { decision, .. } => Some(*decision),
        _ => None,
    })
}

fn measured(evidence: &mut Evidence, report: &Report, words: &sentences::KindWords, change: &Change) {
    evidence.verdict = Some(match report.verdict {
        report::Verdict::Eligible => Verdict::Eligible,
        report::Verdict::NotEligible => Verdict::NotEligible,
        report::Verdict::Inconclusive => Verdict::Inconclusive,
    });
    evidence.cost = report.cost.as_ref().and_then(sentences::cost_words);
    evidence.judge = report.judge.as_ref().map(sentences::judge_words);
    evidence.latency = report.latency.as_ref().map(sentences::latency_words);
    evidence.said = match report.verdict {
        report::Verdict::NotEligible => sentences::not_eligible(report, words),
        _ => vec![sentences::evidence(report, words, None)],
    };
    let cheaper = report
        .cost
        .as_ref()
        .filter(|cost| cost.ratio.is_some_and(|ratio| ratio < 1.0));
    if let (report::Verdict::NotEligible, Some(cost)) = (report.verdict, cheaper.and(evidence.cost.as_ref()))
    {
        evidence.said.insert(0, format!("It {cost}."));
    }
    let worse = sentences::worse_places(report, words);
    if !worse.is_empty() {
        let today = figures::model(&change.baseline.primary.model);
        evidence.way_out = Some(format!(
            "keep {today} {}, or accept the risk by policy.",
            worse.join(" and ")
        ));
    }
    let kinds = report
        .endpoints
        .iter()
        .filter(|endpoint| endpoint.endpoint == "quality" && endpoint.stratum.is_some());
    evidence.kinds = kinds.map(|kind| row(kind, words)).collect();
}

fn row(kind: &Endpoint, words: &sentences::KindWords) -> [String; 5] {
    let name = kind.stratum.clone().unwrap_or_default();
    let between = kind.interval.map_or_else(
        || "cannot be bounded".to_owned(),
        |interval| {
            format!(
                "{} to {}",
                figures::points(interval.lower),
                figures::points(interval.upper)
            )
        },
    );
    let shows = match kind.outcome {
        Some(report::Outcome::NonInferior) if kind.measurably_worse => "within the margin, yet worse",
        Some(report::Outcome::NonInferior) => "fine",
        Some(report::Outcome::Inferior) => "clearly worse",
        Some(report::Outcome::Inconclusive) if kind.measurably_worse => "worse",
        Some(report::Outcome::Inconclusive) => "cannot be told yet",
        None => "",
    };
    [
        words
            .get(&name)
            .map_or_else(|| name.clone(), |words| format!("{name}: {words}")),
        figures::count(kind.n),
        figures::points(kind.estimate),
        between,
        shows.to_owned(),
    ]
}

fn verdict_of(outcome: &str) -> Option<Verdict> {
    match outcome {
        "eligible" => Some(Verdict::Eligible),
        "not_eligible" => Some(Verdict::NotEligible),
        "inconclusive" => Some(Verdict::Inconclusive),
        _ => None,
    }
}

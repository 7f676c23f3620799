//! Asks the controls, and says what decided and why.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{
    controls::{Control, governance},
    request::{HopFacts, Phase, Request},
    rules,
};
use crate::{
    catalog::Catalog,
    values::{Digest, Hop},
};

/// The answer to one question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The answer.
    pub decision: Answer,
    /// Which question was asked.
    pub phase: Phase,
    /// Ids of the controls that decided: those that failed, or all that were asked.
    pub determining: Vec<String>,
    /// What each control says, hop by hop.
    pub findings: Vec<Finding>,
    /// Digest of the rules: policy, data classes and control table.
    pub policy_sha256: Digest,
    /// Digest of the whole catalog.
    pub catalog_sha256: Digest,
    /// The day on which the facts were read.
    pub facts_as_of: NaiveDate,
}

/// Permit or deny; there is no third.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Every control passed.
    Permit,
    /// A control failed, or what it asks is not known.
    Deny,
}

/// What one control says, about one hop or about the change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Which control.
    pub control: Control,
    /// What it asks.
    pub title: String,
    /// What came of it.
    pub outcome: Outcome,
    /// The hop, where hops are asked one by one; 0 is the model asked first.
    pub hop: Option<HopName>,
    /// What was found, in plain words.
    pub why: String,
    /// What would change it; empty when it passed.
    pub remedy: String,
    /// GOV controls, then the frameworks that they answer to.
    pub references: Vec<String>,
}

/// A hop as a finding names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HopName {
    /// 0 for the model asked first.
    pub index: usize,
    /// Whose.
    pub provider: String,
    /// Which.
    pub model: String,
    /// Where.
    pub region: Option<String>,
}

/// What came of a control.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It holds.
    Pass,
    /// It does not hold.
    Fail,
    /// What it asks is not known, or no longer; counts like a failure.
    Unknown,
}

/// What a rule found, before it is filed under its control.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ruling {
    pub(super) outcome: Outcome,
    pub(super) why: String,
    pub(super) remedy: String,
}

impl Ruling {
    pub(super) fn pass(why: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::Pass,
            why: why.into(),
            remedy: String::new(),
        }
    }

    pub(super) fn fail(why: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::Fail,
            why: why.into(),
            remedy: remedy.into(),
        }
    }

    pub(super) fn unknown(why: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::Unknown,
            why: why.into(),
            remedy: remedy.into(),
        }
    }
}

/// The rules of one catalog, with their digests taken once.
#[derive(Clone, Debug)]
pub struct Rulebook<'a> {
    /// The catalog.
    pub catalog: &'a Catalog,
    catalog_sha256: Digest,
    policy_sha256: Digest,
}

impl<'a> Rulebook<'a> {
    /// The rules of `catalog`.
    #[must_use]
    pub fn new(catalog: &'a Catalog) -> Self {
        let mut policy = catalog.policy.clone();
        (policy.last_editor, policy.last_edited_at) = (None, None);
        // All of it is text, finite numbers and lists, which always have a canonical form.
        let digest = Digest::of_json(&(
            "native/1",
            &policy,
            &catalog.data_classes,
            &super::controls::GOVERNANCE,
        ));
        Self {
            catalog,
            catalog_sha256: catalog.digest(),
            policy_sha256: digest.unwrap_or_else(|_| Digest::of(&[])),
        }
    }

    /// Answers `request`: permit only when every control that its phase asks passes for every hop.
    #[must_use]
    pub fn decide(&self, request: &Request) -> Decision {
        let findings = findings(request);
        let denied = findings.iter().any(|finding| finding.outcome != Outcome::Pass);
        let mut determining: Vec<Control> = findings
            .iter()
            .filter(|finding| !denied || finding.outcome != Outcome::Pass)
            .map(|finding| finding.control)
            .collect();
        determining.sort_unstable();
        determining.dedup();
        Decision {
            decision: if denied { Answer::Deny } else { Answer::Permit },
            phase: request.phase,
            determining: determining
                .into_iter()
                .map(|control| control.id().to_owned())
                .collect(),
            findings,
            policy_sha256: self.policy_sha256,
            catalog_sha256: self.catalog_sha256,
            facts_as_of: request.today,
        }
    }
}

impl Decision {
    /// The findings that stand against it.
    pub fn against(&self) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .filter(|finding| finding.outcome != Outcome::Pass)
    }

    /// Bits of the controls that failed or are unknown.
    #[must_use]
    pub fn failed_mask(&self) -> u16 {
        self.against()
            .fold(0, |mask, finding| mask | finding.control.bit())
    }

    /// Everything that stands against it as one sentence each, and what would change it; empty for a permit.
    #[must_use]
    pub fn sentence(&self) -> String {
        let parts: Vec<_> = self
            .against()
            .map(|finding| format!("{} {}", finding.why, finding.remedy))
            .collect();
        parts.join(" ").trim_end().to_owned()
    }

    /// The GOV controls that its findings give evidence for.
    #[must_use]
    pub fn governance(&self) -> Vec<String> {
        let mut ids: Vec<String> = self
            .findings
            .iter()
            .flat_map(|finding| finding.references.clone())
            .collect();
        ids.retain(|id| governance(id).is_some());
        ids.sort();
        ids.dedup();
        ids
    }
}

/// What every control that the phase asks says.
fn findings(request: &Request) -> Vec<Finding> {
    let mut out = Vec::new();
    for rule in &rules::ALL {
        if !rule.phases.contains(&request.phase) {
            continue;
        }
        match rule.ask {
            rules::Ask::Hop(ask) => {
                out.extend(
                    request
                        .hops
                        .iter()
                        .map(|hop| finding(request, rule.control, ask(request, hop), Some(hop))),
                );
            }
            rules::Ask::Change(ask) => out.push(finding(request, rule.control, ask(request), None)),
        }
    }
    out
}

fn finding(request: &Request, control: Control, ruling: Ruling, hop: Option<&HopFacts>) -> Finding {
    let mut ids = control.governance().to_vec();
    if request.phase == Phase::Admission {
        ids.push("GOV-SHD-07");
    }
    if hop.is_some_and(|hop| hop.index > 0) {
        ids.push("GOV-FBK-08");
    }
    let mut references: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
    for reference in ids
        .iter()
        .filter_map(|id| governance(id))
        .flat_map(|control| control.refs)
    {
        if !references.iter().any(|known| known == reference) {
            references.push((*reference).to_owned());
        }
    }
    Finding {
        control,
        title: control.title().to_owned(),
        outcome: ruling.outcome,
        hop: hop.map(|hop| name(hop.index, &hop.hop)),
        why: ruling.why,
        remedy: ruling.remedy,
        references,
    }
}

fn name(index: usize, hop: &Hop) -> HopName {
    HopName {
        index,
        provider: hop.provider.clone(),
        model: hop.model.clone(),
        region: hop.region.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        catalog::sample::sample,
        evidence::sample::{gpt_to_claude, may_to_august, turbo_to_mini},
        policy::{Asked, BudgetFacts, Measured},
        shadow::analysis::report::{Report, Verdict},
        values::Usd,
    };

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn ask(catalog: &Catalog, (workflow, route): (&str, &str), phase: Phase, asked: Asked) -> Decision {
        let workflow = catalog.workflow(workflow).unwrap();
        let route = catalog.route(route).unwrap().route();
        let request = Request::new(catalog, workflow, &route, (phase, day("2026-11-24"))).with(asked);
        Rulebook::new(catalog).decide(&request)
    }

    fn measured(report: Report) -> Asked {
        Asked {
            claims_savings: true,
            measured: Some(Measured {
                report,
                on: day("2026-11-20"),
            }),
            list_input: Some(0.6),
            ..Asked::default()
        }
    }

    /// What stands against it, one line each.
    fn against(decision: &Decision) -> String {
        let lines: Vec<_> = decision
            .against()
            .map(|finding| {
                let hop = finding
                    .hop
                    .as_ref()
                    .map_or(String::new(), |hop| format!(" hop {}", hop.index));
                format!(
                    "{}{hop} {:?}: {} {}",
                    finding.control.id(),
                    finding.outcome,
                    finding.why,
                    finding.remedy
                )
            })
            .collect();
        lines.join("\n")
    }

    #[test]
    fn admission_asks_what_needs_no_measurement_and_lets_allowed_data_out() {
        let decision = ask(
            &sample(),
            ("support-answer", "gpt-4o-0806"),
            Phase::Admission,
            Asked::default(),
        );
        assert_eq!(decision.decision, Answer::Permit);
        assert_eq!(
            decision.determining,
            [
                "retention",
                "training-use",
                "residency",
                "provider",
                "certifications",
                "model-version",
                "capability"
            ]
        );
        assert!(decision.governance().contains(&"GOV-SHD-07".to_owned()));
        assert_eq!(decision.findings.len(), 14, "seven controls for each of two hops");
    }

    #[test]
    fn a_region_that_the_data_class_forbids_is_refused_at_admission() {
        let decision = ask(
            &sample(),
            ("claims-triage", "gpt-4o-mini-0718-ap"),
            Phase::Admission,
            Asked::default(),
        );
        assert_eq!(decision.determining, ["residency"]);
        insta::assert_snapshot!(decision.sentence(), @"It would be processed in ap; Confidential data may be processed in us or eu only. Choose a route in us or eu.");
    }

    #[test]
    fn the_clean_change_is_permitted_with_every_control_asked() {
        let decision = ask(
            &sample(),
            ("support-answer", "gpt-4o-0806"),
            Phase::Full,
            measured(may_to_august()),
        );
        assert_eq!(decision.decision, Answer::Permit, "{}", against(&decision));
        assert_eq!(decision.determining.len(), 10);
    }

    #[test]
    fn not_eligible_denies_with_both_sentences() {
        let decision = ask(
            &sample(),
            ("claims-triage", "gpt-4o-mini-0718"),
            Phase::Full,
            measured(turbo_to_mini()),
        );
        assert_eq!(decision.determining, ["evidence"]);
        insta::assert_snapshot!(decision.sentence(), @"On average it is no worse than today within 5 points (−1.9 points, between −3.5 and −0.5), yet measurably worse. It gets one kind of request clearly wrong more often: when no tool applies, in 7.5 of 100 more cases (between 3.6 and 12.1). Keep today's route when no tool applies, choose another candidate, or have the workflow's entry say that this kind does not decide.");
        assert!(decision.governance().contains(&"GOV-TST-03".to_owned()));
    }

    #[test]
    fn a_saving_by_the_list_that_costs_twice_as_much_is_denied_by_name() {
        let decision = ask(
            &sample(),
            ("support-answer", "claude-3-5-sonnet-0620"),
            Phase::Full,
            measured(gpt_to_claude()),
        );
        insta::assert_snapshot!(against(&decision), @r"
            evidence Fail: On average it is measurably worse (−6.8 points, between −9.3 and −4.3). It costs 2.1 times what it costs today (between 2.1 and 2.2). Choose another candidate.
            cost-claim Fail: It is filed to save money. The list price is 40 % lower on input, but it used 3.1 times the tokens: measured cost is 2.1 times today's. Choose another route, or file it for another reason.
            ");
    }

    #[test]
    fn what_cannot_be_told_is_denied_unless_the_policy_accepts_it() {
        let mut report = may_to_august();
        report.verdict = Verdict::Inconclusive;
        let mut catalog = sample();
        let case = ("support-answer", "gpt-4o-0806");
        assert_eq!(
            ask(&catalog, case, Phase::Full, measured(report.clone())).determining,
            ["evidence"]
        );
        catalog.policy.accept_inconclusive = vec![catalog.workflows[0].risk];
        assert_eq!(
            ask(&catalog, case, Phase::Full, measured(report)).decision,
            Answer::Permit
        );
    }

    #[test]
    fn in_a_tier_that_leaves_it_to_people_a_clear_no_is_said_and_passes() {
        let mut catalog = sample();
        catalog.policy.accept_not_eligible = vec![catalog.workflows[0].risk];
        let case = ("support-answer", "gpt-4o-mini-0718");
        let decision = ask(&catalog, case, Phase::Full, measured(turbo_to_mini()));
        assert_eq!(decision.decision, Answer::Permit, "{}", against(&decision));
        let said = decision
            .findings
            .iter()
            .find(|finding| finding.control == Control::Evidence)
            .unwrap();
        assert!(
            said.why.contains("yet measurably worse") && said.why.contains("leaves the decision to people"),
            "{}",
            said.why
        );
        catalog.workflows[0].latency_p95_ms = Some(1_000);
        let slow = ask(&catalog, case, Phase::Full, measured(turbo_to_mini()));
        assert_eq!(
            slow.determining,
            ["evidence"],
            "the latency target holds all the same"
        );
    }

    #[test]
    fn no_test_an_old_test_and_a_slow_candidate_are_denied() {
        let case = ("support-answer", "gpt-4o-0806");
        let mut old = measured(may_to_august());
        old.measured.as_mut().unwrap().on = day("2026-10-01");
        let mut catalog = sample();
        let mut said = vec![
            against(&ask(&catalog, case, Phase::Full, Asked::default())),
            against(&ask(&catalog, case, Phase::Full, old)),
        ];
        catalog.workflows[0].latency_p95_ms = Some(4_500);
        said.push(against(&ask(
            &catalog,
            case,
            Phase::Full,
            measured(may_to_august()),
        )));
        insta::assert_snapshot!(said.join("\n"), @r"
            evidence Unknown: Whether it answers well enough is not known: no shadow test was made. Run the shadow test.
            evidence Unknown: The shadow test is of 2026-10-01, 54 days old; evidence holds for 30 days. Run it again.
            evidence Fail: 95 of 100 calls may take up to 4.7 s; the workflow's target is 4.5 s. Choose a faster route, or have the target changed.
            ");
    }

    #[test]
    fn unknown_and_expired_facts_deny_and_every_fallback_is_asked() {
        let mut catalog = sample();
        catalog.vendors[0]
            .facts
            .retain(|fact| fact.name != "training_use");
        catalog.vendors[1].facts[0].expires = day("2026-11-23");
        catalog.models[4].retires = Some(day("2027-01-01"));
        catalog.routes[0].fallbacks = catalog.routes[5].route().hops().cloned().collect();
        let decision = ask(
            &catalog,
            ("support-answer", "gpt-4-turbo-0409"),
            Phase::Admission,
            Asked::default(),
        );
        insta::assert_snapshot!(against(&decision), @r#"
            training-use hop 0 Unknown: Whether OpenAI trains on what it is sent is not known: nothing is on record. Add the fact `training_use` of OpenAI with its document to the catalog.
            residency hop 1 Fail: It would be processed in ap; Confidential data may be processed in us or eu only. Choose a route in us or eu.
            provider hop 1 Unknown: Whether the contract with Azure OpenAI holds is no longer known: "Example: enterprise agreement" could be relied on until 2026-11-23. Check the document again and date the fact `contract` of Azure OpenAI anew.
            model-version hop 1 Fail: gpt-4o-mini-2024-07-18 retires on 2027-01-01, in less than 90 days. Choose a model that stays longer.
            "#);
        let fallback = decision
            .against()
            .find(|finding| finding.hop.as_ref().is_some_and(|hop| hop.index == 1))
            .unwrap();
        assert!(fallback.references.contains(&"GOV-FBK-08".to_owned()));
    }

    #[test]
    fn a_used_up_budget_stops_what_costs_more_but_never_a_saving() {
        let usd = |dollars: i64| Usd(dollars.into());
        let budget = |spent, monthly| {
            let facts = BudgetFacts {
                limit: usd(1_000),
                spent: usd(spent),
            };
            (facts, usd(monthly))
        };
        let case = ("support-answer", "gpt-4o-0806");
        let with = |report: Report, (budget, monthly)| Asked {
            budget: Some(budget),
            monthly_now: Some(monthly),
            claims_savings: false,
            ..measured(report)
        };
        let saving = ask(
            &sample(),
            case,
            Phase::Full,
            with(may_to_august(), budget(1_000, 1_700)),
        );
        assert_eq!(saving.decision, Answer::Permit, "{}", against(&saving));
        let mut dear = may_to_august();
        dear.cost.clone_from(&gpt_to_claude().cost);
        let over = ask(&sample(), case, Phase::Full, with(dear.clone(), budget(100, 700)));
        let spent = ask(&sample(), case, Phase::Full, with(dear, budget(1_000, 100)));
        insta::assert_snapshot!(format!("{}\n{}", against(&over), against(&spent)), @r"
            budget Fail: It would cost about $1,500 a month; the limit is $1,000.00. Raise the budget, or choose a cheaper route.
            budget Fail: The month's $1,000.00 are spent ($1,000.00 so far). Raise the budget, or wait for the next month.
            ");
    }

    #[test]
    fn the_same_question_has_the_same_answer_in_json_and_back() {
        let decision = ask(
            &sample(),
            ("support-answer", "gpt-4o-0806"),
            Phase::Traffic,
            Asked::default(),
        );
        let text = serde_json::to_string(&decision).unwrap();
        assert_eq!(serde_json::from_str::<Decision>(&text).unwrap(), decision);
    }
}

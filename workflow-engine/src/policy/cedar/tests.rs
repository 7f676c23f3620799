//! The native controls and their Cedar policies say the same on 20,000 random requests.

use chrono::{Days, NaiveDate};

use super::{SCHEMA, question::question, shipped};
use crate::{
    catalog::{DataClass, RiskTier},
    evidence::sample::{gpt_to_claude, may_to_august, turbo_to_mini},
    policy::{
        BudgetFacts, Control, HopFacts, Known, Measured, ModelFacts, Outcome, Phase, Request, WorkflowFacts,
        rules,
    },
    shadow::{
        analysis::report::{Outcome as Shown, Report, Verdict},
        statistics::splitmix::SplitMix64,
    },
    values::{Digest, Hop, Usd},
};

const REQUESTS: usize = 20_000;

fn today() -> NaiveDate {
    "2026-11-24".parse().unwrap()
}

/// Random requests from a fixed seed: the same on every machine.
struct Dice(SplitMix64, [Report; 4]);

impl Dice {
    fn new(seed: u64) -> Self {
        let reports = [may_to_august(), may_to_august(), turbo_to_mini(), gpt_to_claude()];
        Self(SplitMix64::new(seed), reports)
    }
}

impl Dice {
    fn yes(&mut self, of_hundred: usize) -> bool {
        self.0.below(100) < of_hundred
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.0.below(from.len())].clone()
    }

    fn some<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        self.yes(70).then(|| self.pick(from))
    }

    fn names(&mut self, from: &[&str], each: usize) -> Vec<String> {
        let kept = from.iter().filter(|_| self.yes(each));
        kept.map(|name| (*name).to_owned()).collect()
    }

    fn known<T: Clone>(&mut self, from: &[T]) -> Known<T> {
        match self.0.below(20) {
            0 => Known::Unknown,
            1 => Known::Expired(today() - Days::new(1), "an old document".to_owned()),
            _ => Known::Is(self.pick(from), "a document".to_owned()),
        }
    }

    fn workflow(&mut self) -> WorkflowFacts {
        let class = DataClass {
            id: "confidential".to_owned(),
            name: "Confidential".to_owned(),
            max_retention_days: self.some(&[0, 30, 90]),
            training_allowed: self.yes(30),
            regions: self.names(&["us", "eu", "ap"], 35),
            certifications: self.names(&["soc2", "iso27001"], 40),
            cleared: Vec::new(),
        };
        WorkflowFacts {
            id: self.pick(&["support-answer", "claims-triage"]).to_owned(),
            sha256: Digest::of(b"an entry"),
            team: self.some(&["claims".to_owned()]),
            cost_center: "CC-4100".to_owned(),
            owner: "wei".to_owned(),
            risk: self.pick(&[RiskTier::Low, RiskTier::Standard, RiskTier::Critical]),
            class: self.yes(95).then_some(class),
            class_rank: 2,
            regions: self.names(&["us", "eu", "ap"], 30),
            needs_tools: self.yes(50),
            needs_context_tokens: self.some(&[1, 32_000, 128_000, u64::MAX]),
            latency_p95_ms: self.some(&[1, 4_200, 4_692, 12_000]),
            words: std::collections::BTreeMap::new(),
        }
    }

    fn model(&mut self) -> ModelFacts {
        ModelFacts {
            pinned: self.yes(90),
            retires: self
                .yes(30)
                .then(|| today() + Days::new(self.0.below(200) as u64)),
            context_tokens: self.some(&[8_000, 32_000, 128_000, 200_000]),
            tools: self.yes(85),
        }
    }

    fn hop(&mut self, index: usize) -> HopFacts {
        let provider = self.pick(&["openai", "anthropic"]).to_owned();
        HopFacts {
            index,
            vendor: provider.clone(),
            hop: Hop {
                provider,
                model: "a-model-2026-01-01".to_owned(),
                region: self.yes(90).then(|| self.pick(&["us", "eu", "ap"]).to_owned()),
                deployment: None,
                parameters: std::collections::BTreeMap::new(),
            },
            provider_allowed: self.yes(93),
            model: self.yes(95).then(|| self.model()),
            forbidden: self.yes(5),
            retention_days: self.known(&[0, 0, 30, 31, 90]),
            trains: self.known(&[false, false, false, true]),
            residency: self.known(&[
                vec!["us".to_owned(), "eu".to_owned(), "ap".to_owned()],
                vec!["us".to_owned(), "eu".to_owned()],
                vec![],
            ]),
            contract: self.known(&[true, true, true, false]),
            certifications: [("soc2", [true, true, false]), ("iso27001", [true, true, true])]
                .into_iter()
                .map(|(name, held)| (name.to_owned(), self.known(&held)))
                .collect(),
        }
    }

    fn budget(&mut self) -> Option<BudgetFacts> {
        let spent = self.pick(&[0, 79, 80, 99, 100, 101]);
        self.yes(70).then_some(BudgetFacts {
            limit: Usd(100.into()),
            spent: Usd(spent.into()),
        })
    }

    fn report(&mut self) -> Report {
        let mut report = self.1[self.0.below(4)].clone();
        report.verdict = self.pick(&[
            Verdict::Eligible,
            Verdict::Eligible,
            Verdict::NotEligible,
            Verdict::Inconclusive,
        ]);
        if let Some(cost) = &mut report.cost {
            cost.outcome = self.pick(&[
                Shown::NonInferior,
                Shown::NonInferior,
                Shown::Inferior,
                Shown::Inconclusive,
            ]);
            cost.ratio = self
                .yes(90)
                .then(|| self.pick(&[0.2, 0.999, 1.0, 1.000_000_1, 2.13]));
        }
        if self.yes(10) {
            report.cost = None;
        }
        if let Some(latency) = &mut report.latency {
            latency.p95.candidate.2 = self.some(&[4_199.999_999, 4_200.0, 4_200.000_001, 0.5, 11_999.0]);
        }
        if self.yes(5) {
            report.latency = None;
        }
        report
    }

    fn request(&mut self) -> Request {
        let hops = 1 + self.0.below(3);
        let measured = self.yes(90).then(|| Measured {
            report: self.report(),
            on: today() - Days::new(self.pick(&[0, 29, 30, 31])),
        });
        Request {
            phase: self.pick(&[Phase::Admission, Phase::Full, Phase::Traffic]),
            today: today(),
            workflow: self.workflow(),
            route: "a-route".to_owned(),
            route_sha256: Digest::of(b"a route"),
            proposable: self.yes(93),
            hops: (0..hops).map(|index| self.hop(index)).collect(),
            min_days_to_retirement: self.pick(&[0, 90]),
            budget: self.budget(),
            cost_center_budget: self.budget(),
            asks_cost_center: true,
            monthly_now: self.some(&[Usd(50.into()), Usd(100.into()), Usd(101.into())]),
            claims_savings: self.yes(50),
            measured,
            list_input: None,
            evidence_days: 30,
            accept_inconclusive: self.yes(50),
            accept_not_eligible: self.yes(50),
        }
    }
}

/// Bits of the controls that stand against `hop`, those about the whole change included.
fn native(request: &Request, hop: &HopFacts) -> u16 {
    let asked = rules::ALL
        .iter()
        .filter(|rule| rule.phases.contains(&request.phase));
    let failed = asked.filter(|rule| {
        let ruling = match rule.ask {
            rules::Ask::Hop(ask) => ask(request, hop),
            rules::Ask::Change(ask) => ask(request),
        };
        ruling.outcome != Outcome::Pass
    });
    failed.fold(0, |mask, rule| mask | rule.control.bit())
}

#[test]
fn the_native_controls_and_their_cedar_policies_agree_on_20_000_random_requests() {
    let mut dice = Dice::new(20_261_124);
    let (mut asked, mut permitted, mut failed) = (0, 0, [0; 10]);
    for _ in 0..REQUESTS {
        let request = dice.request();
        let hop = &request.hops[asked % request.hops.len()];
        let cedar = shipped::failed_controls(&request, hop).unwrap();
        let native = native(&request, hop);
        assert_eq!(cedar, native, "{request:#?}");
        asked += 1;
        permitted += usize::from(cedar == 0);
        for (count, control) in failed.iter_mut().zip(Control::ALL) {
            *count += usize::from(cedar & control.bit() != 0);
        }
    }
    let by_control: Vec<_> = Control::ALL
        .iter()
        .map(|control| control.id())
        .zip(failed)
        .collect();
    println!("{asked} random requests, {permitted} permitted, both alike; failed: {by_control:?}");
    assert!(permitted > 200, "too few permits to mean anything: {permitted}");
    assert!(
        failed.iter().all(|count| *count > 500 && *count < asked - 500),
        "{by_control:?}"
    );
}

#[test]
fn every_question_fits_the_schema_and_every_control_passes_its_strict_check() {
    use cedar_policy::{Entities, Request as CedarRequest, ValidationMode, Validator};
    let checked = Validator::new(SCHEMA.clone()).validate(shipped::policies(), ValidationMode::Strict);
    assert!(checked.validation_passed_without_warnings(), "{checked}");
    let mut dice = Dice::new(7);
    for _ in 0..200 {
        let request = dice.request();
        for hop in &request.hops {
            let asked = question(&request, hop).unwrap();
            let (principal, action, resource) = (
                asked.request.principal(),
                asked.request.action(),
                asked.request.resource(),
            );
            let context = asked.request.context().unwrap().clone();
            CedarRequest::new(
                principal.unwrap().clone(),
                action.unwrap().clone(),
                resource.unwrap().clone(),
                context,
                Some(&SCHEMA),
            )
            .unwrap();
            Entities::from_entities(asked.entities.iter().cloned(), Some(&SCHEMA)).unwrap();
        }
    }
}

#[test]
fn each_shipped_policy_names_itself_and_the_controls_that_it_gives_evidence_for() {
    for (control, text) in shipped::TEXTS {
        let policy = shipped::policies()
            .policy(&cedar_policy::PolicyId::new(control.id()))
            .unwrap();
        assert_eq!(policy.annotation("id"), Some(control.id()));
        let cited: Vec<_> = policy.annotation("control").unwrap().split(' ').collect();
        assert_eq!(cited, control.governance());
        assert!(text.starts_with("// "), "{} says what it asks", control.id());
    }
}

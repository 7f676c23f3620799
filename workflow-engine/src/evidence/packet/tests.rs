//! Tests of what a packet holds.

use std::collections::BTreeSet;

use super::*;
use crate::{
    approval::{Case, matrix},
    catalog::sample::sample,
    change::state::State,
    evidence::{
        dsse::Envelope,
        sample::{may_to_august, turbo_to_mini},
    },
    ledger::key::{KeyKind, SigningKey},
    policy::{Asked as Given, BudgetFacts, Measured, Phase, Rulebook},
};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn change(workflow: &str, baseline: Route, candidate: Route) -> Change {
    Change {
        id: "0193-change".into(),
        number: ChangeNumber(142),
        workflow: workflow.into(),
        state: State::PolicyCheck,
        revision: Revision(2),
        events: 5,
        requester: "maya".into(),
        co_authors: BTreeSet::new(),
        baseline,
        candidate,
        claims_savings: true,
        reason: None,
        cites: None,
        filed_at: at("2026-11-24T08:00:00Z"),
        catalog: None,
        test: None,
        assessment: None,
        packet: None,
        slots: Vec::new(),
        concerns: Vec::new(),
        questions: Vec::new(),
        delegations: Vec::new(),
        deadline_at: None,
        approval: None,
        application: None,
        ending: None,
        updated_at: at("2026-11-24T09:00:00Z"),
    }
}

fn tested(change: &Change, report: Report) -> Tested {
    let terms = crate::shadow::plan::Terms {
        change: change.number,
        revision: change.revision,
        workflow: change.workflow.clone(),
        baseline: change.baseline.clone(),
        candidate: change.candidate.clone(),
        from: at("2026-10-01T00:00:00Z"),
        until: at("2026-11-01T00:00:00Z"),
        seed: [7; 16],
        ..crate::shadow::samples::terms()
    };
    let pool = crate::shadow::freeze::Pool::draw(&terms, &[]);
    let (plan, _) = ShadowPlan::freeze(terms, pool, &Default::default());
    Tested {
        run: "run-1".into(),
        plan_sha256: plan.digest().unwrap(),
        sample: Sample::of(&plan.seed_hex, ["t2", "t1"]),
        plan,
        report_sha256: Digest::of_json(&report).unwrap(),
        report,
        spent_usd: Usd("6.40".parse().unwrap()),
        finished_at: at("2026-11-24T08:50:00Z"),
    }
}

fn packet(report: Report, routes: (&str, &str)) -> Packet {
    let catalog = sample();
    let route = |id: &str| catalog.route(id).unwrap().route();
    let change = change("support-answer", route(routes.0), route(routes.1));
    let workflow = catalog.workflow("support-answer").unwrap();
    let day = "2026-11-24".parse().unwrap();
    let usd = |dollars: i64| Usd(dollars.into());
    let request = Request::new(&catalog, workflow, &change.candidate, (Phase::Full, day)).with(Given {
        budget: Some(BudgetFacts {
            limit: usd(25_000),
            spent: usd(14_200),
        }),
        cost_center_budget: None,
        monthly_now: Some(usd(19_600)),
        claims_savings: true,
        measured: Some(Measured {
            report: report.clone(),
            on: day,
        }),
        list_input: Some(0.5),
    });
    let decision = Rulebook::new(&catalog).decide(&request);
    let case = Case {
        requester: &change.requester,
        co_authors: &change.co_authors,
        now: at("2026-11-24T09:00:00Z"),
    };
    let slots = matrix(&catalog, workflow, workflow.risk, &case).unwrap();
    Packet::of(Contents {
        change: &change,
        request: &request,
        decision: &decision,
        tier: workflow.risk.as_str(),
        test: Some(tested(&change, report)),
        slots: &slots,
        supporting: Vec::new(),
        earlier_runs: Vec::new(),
        sealed_at: at("2026-11-24T09:00:00Z"),
    })
}

#[test]
fn a_packet_says_what_and_why_before_anything_else() {
    let packet = packet(may_to_august(), ("gpt-4o-0513", "gpt-4o-0806"));
    insta::assert_snapshot!(format!("{}\n{}", packet.what, packet.evidence), @r"
            Move from gpt-4o (2024-05-13) to gpt-4o (2024-08-06), all traffic, fallback unchanged.
            On 1,240 replayed calls it answered better (+3.8 points, between +2.4 and +5.3), in every kind of request, and costs 43 % less (between 42 and 44): about $8,400 a month (at least $8,200).
            ");
    let cost = packet.cost.as_ref().unwrap();
    assert_eq!(
        format!("{} {}", cost.saving, cost.saving_at_least.unwrap()),
        "$8,400.56 $8,173.20"
    );
    let ids: Vec<_> = packet
        .controls
        .iter()
        .map(|control| control.id.as_str())
        .collect();
    insta::assert_snapshot!(ids.join(" "), @"GOV-AGT-12 GOV-BUD-09 GOV-CHG-01 GOV-DAT-06 GOV-FBK-08 GOV-LOG-10 GOV-MOD-05 GOV-SOD-02 GOV-TST-03");
    assert_eq!(packet.slots.len(), 4);
    assert!(packet.slots.iter().all(|slot| !slot.concerns.is_empty()));
}

#[test]
fn a_denied_packet_shows_the_same_and_who_would_have_been_asked() {
    let packet = packet(turbo_to_mini(), ("gpt-4-turbo-0409", "gpt-4o-mini-0718"));
    assert_eq!(packet.policy.determining, ["evidence"]);
    assert!(packet.evidence.contains("measurably worse") && packet.evidence.contains("when no tool applies"));
    assert_eq!(packet.slots.len(), 4);
}

#[test]
fn a_packet_is_signed_read_back_and_has_one_digest() {
    let packet = packet(may_to_august(), ("gpt-4o-0513", "gpt-4o-0806"));
    let statement = packet.statement().unwrap();
    assert_eq!(statement.name(), "change/142/revision/2");
    let key = SigningKey::from_seed("test", KeyKind::Note, &[1; 32]).unwrap();
    let envelope = Envelope::seal(statement.to_payload().unwrap(), &key);
    let payload = envelope.open(key.public()).unwrap();
    let read = Statement::from_payload(payload).unwrap();
    assert_eq!(Packet::from_predicate(read.predicate()).unwrap(), packet);
    assert_eq!(Digest::of(payload), envelope.digest());
}

#[test]
fn a_role_whose_figures_did_not_change_has_the_same_inputs() {
    let clean = packet(may_to_august(), ("gpt-4o-0513", "gpt-4o-0806"));
    let mut report = may_to_august();
    report.latency.as_mut().unwrap().p95.candidate.0 += 1.0;
    let slower = packet(report, ("gpt-4o-0513", "gpt-4o-0806"));
    let same = |role: Role| clean.inputs(role) == slower.inputs(role);
    assert!(same(Role::Finance) && same(Role::Security));
    assert!(!same(Role::Platform) && !same(Role::Owner));
}

#[test]
fn what_the_report_notes_is_a_warning() {
    let mut report = may_to_august();
    report.notes = vec!["recorded: within the noise".to_owned()];
    let packet = packet(report, ("gpt-4o-0513", "gpt-4o-0806"));
    assert_eq!(packet.warnings, ["recorded: within the noise"]);
}

#[test]
fn the_sample_is_named_by_its_traces_whatever_their_order() {
    assert_eq!(
        Sample::of("00", ["b", "a"]).sha256,
        Sample::of("00", ["a", "b"]).sha256
    );
}

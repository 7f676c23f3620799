//! The policy's two jobs on both databases: nothing leaves that may not, and the packet says what was found.

use std::sync::Arc;

use bot::jobs::{admission::Admission, assess::Assess};
use tests::{
    db::{BOTH, Kind},
    desk::{Desk, desk, filing},
    lab::{Lab, Models, Via, lab},
};
use tokio_util::sync::CancellationToken;
use workflow_engine::{
    catalog::{Catalog, RiskTier, load},
    change::{
        attached::Format,
        state::{Change, State},
    },
    engine::{
        attach::Attachment,
        file::Filing,
        jobs::{Handler, Runner},
    },
    evidence::{dsse::Envelope, packet::Packet, statement::Statement},
    ledger::key::{KeyKind, SigningKey},
    policy::Answer,
    store,
    usage::price::{PriceBook, SHIPPED, book::Origin},
    values::{Actor, ChangeNumber, Digest, PersonId, Role},
};

fn example() -> Catalog {
    load(
        "catalog.example.toml",
        include_str!("../../deploy/catalog.example.toml"),
    )
    .unwrap()
}

/// Desks of the example company.
async fn desks() -> Vec<Desk> {
    let mut desks = Vec::new();
    for kind in BOTH {
        let Some(desk) = desk(kind).await else { continue };
        let tests = Actor::Service("tests".to_owned());
        desk.engine.apply_catalog(&example(), &tests).await.unwrap();
        desks.push(desk);
    }
    desks
}

/// Files a change and runs the one job that `handler` serves.
async fn filed(desk: &Desk, candidate: &str, handler: Arc<dyn Handler>) -> ChangeNumber {
    let request = Filing {
        candidate: candidate.to_owned(),
        ..filing(candidate)
    };
    let number = desk.engine.file(request).await.unwrap().number;
    step(desk, handler).await;
    number
}

async fn step(desk: &Desk, handler: Arc<dyn Handler>) {
    let runner = Runner::new(desk.engine.clone(), vec![handler]);
    runner.step(&CancellationToken::new()).await.unwrap();
    runner.settle().await;
}

async fn change(desk: &Desk, number: ChangeNumber) -> Change {
    let loaded = store::changes::by_number(desk.engine.db(), number).await.unwrap();
    loaded.unwrap().change
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_be_shown_to_the_candidate_goes_on_to_its_test() {
    for desk in desks().await {
        let admission = Arc::new(Admission::new(desk.engine.clone()));
        let number = filed(&desk, "gpt-4o-0806", admission).await;
        assert_eq!(change(&desk, number).await.state, State::ShadowTesting);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_region_that_the_data_class_forbids_ends_the_change_with_its_reason() {
    for desk in desks().await {
        let admission = Arc::new(Admission::new(desk.engine.clone()));
        let number = filed(&desk, "gpt-4o-mini-0718-ap", admission).await;
        let change = change(&desk, number).await;
        assert_eq!(change.state, State::PolicyDenied);
        assert_eq!(
            change.ending.as_deref(),
            Some(
                "It would be processed in ap; Confidential data may be processed in us or eu only. \
                 Choose a route in us or eu. Nothing was sent."
            )
        );
        let decision = store::decisions::newest(desk.engine.db(), &change.id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(decision.decision, Answer::Deny);
        assert_eq!(decision.determining, ["residency"]);
        let (digest, _) = desk.engine.catalog().await.unwrap();
        assert_eq!(decision.catalog_sha256, digest);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalog_at_submit_decides_whatever_was_applied_since() {
    for desk in desks().await {
        let number = desk.file("k1").await.unwrap().number;
        let mut stricter = example();
        stricter.policy.forbidden_models = vec!["gpt-4o-2024-08-06".to_owned()];
        let tests = Actor::Service("tests".to_owned());
        desk.engine.apply_catalog(&stricter, &tests).await.unwrap();
        step(&desk, Arc::new(Admission::new(desk.engine.clone()))).await;
        assert_eq!(change(&desk, number).await.state, State::ShadowTesting);
    }
}

/// The example company, with two of its routes under the names that the lab files by.
async fn company(lab: &Lab, today: &str, proposed: &str) {
    let mut catalog = example();
    for route in &mut catalog.routes {
        if route.id == today {
            route.id = "today".to_owned();
        } else if route.id == proposed {
            route.id = "proposed".to_owned();
        }
    }
    for workflow in &mut catalog.workflows {
        workflow.route = "today".to_owned();
        workflow.candidates.clear();
        workflow.risk = RiskTier::Standard;
    }
    catalog.policy.accept_not_eligible.clear();
    let tests = Actor::Service("tests".to_owned());
    lab.desk.engine.apply_catalog(&catalog, &tests).await.unwrap();
}

fn key() -> Arc<SigningKey> {
    Arc::new(SigningKey::from_seed("governor.test/log", KeyKind::Note, &[7; 32]).unwrap())
}

fn assess(lab: &Lab) -> Arc<Assess> {
    let mut prices = PriceBook::default();
    prices.add_map(Origin::List, SHIPPED).unwrap();
    let engine = lab.desk.engine.clone();
    Arc::new(Assess::new(engine, lab.calls.clone(), Arc::new(prices), key()))
}

/// Admits, tests and assesses the lab's change; the change and the packet that was sealed.
async fn assessed(lab: &Lab) -> (Change, Packet) {
    let number = lab.filed().await.number;
    step(&lab.desk, Arc::new(Admission::new(lab.desk.engine.clone()))).await;
    lab.run(&lab.tester(), number).await.unwrap();
    // A set of somebody's own, on which the candidate does badly: it stands beside the test and decides nothing.
    let pair = r#"{"trace_id":"own-1","arms":{"incumbent":{"ok":true},"candidate":{"ok":false}}}"#;
    let attached = lab.desk.engine.attach(Attachment {
        change: number,
        by: PersonId::from("wei"),
        format: Format::Pairs,
        sha256: Digest::of(pair.as_bytes()),
        pairs: pair.to_owned(),
        unpaired: 0,
        models: None,
    });
    attached.await.unwrap();
    step(&lab.desk, assess(lab)).await;
    let change = change(&lab.desk, number).await;
    let sealed = store::packets::newest(lab.desk.engine.db(), &change.id)
        .await
        .unwrap()
        .unwrap();
    let envelope = Envelope::parse(sealed.envelope.as_bytes()).unwrap();
    let statement = Statement::from_payload(envelope.open(key().public()).unwrap()).unwrap();
    assert_eq!(sealed.digest, envelope.digest());
    assert_eq!(change.packet, Some(sealed.digest));
    (change, Packet::from_predicate(statement.predicate()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clean_change_waits_for_four_parties_with_its_packet() {
    let lab = lab(Kind::Sqlite, Models::CLEAN, Via::LiteLlm, usize::MAX)
        .await
        .unwrap();
    company(&lab, "gpt-4o-0513", "gpt-4o-0806").await;
    let (change, packet) = assessed(&lab).await;
    assert_eq!(change.state, State::AwaitingApproval, "{:?}", change.ending);
    let slots: Vec<_> = change.slots.iter().map(|slot| (slot.role, slot.needed)).collect();
    let roles = [Role::Platform, Role::Security, Role::Finance, Role::Owner];
    assert_eq!(slots, roles.map(|role| (role, 1)));
    assert!(
        change
            .slots
            .iter()
            .all(|slot| !slot.eligible.contains(&PersonId::from("maya")))
    );
    assert_eq!(
        packet.what,
        "Move from gpt-4o (2024-05-13) to gpt-4o (2024-08-06), all traffic, fallback unchanged."
    );
    assert!(
        packet
            .evidence
            .starts_with("On 1,240 replayed calls it answered better (+3.8 points, between +2.4 and +5.3)"),
        "{}",
        packet.evidence
    );
    assert!(packet.evidence.contains("costs 43 % less"), "{}", packet.evidence);
    assert_eq!(packet.policy.decision, Answer::Permit);
    assert_eq!(packet.policy.determining.len(), 10);
    assert_eq!(packet.test.as_ref().unwrap().sample.traces, 1_240);
    let monthly = packet.cost.as_ref().unwrap();
    assert!(monthly.saving_at_least.unwrap() < monthly.saving && monthly.saving < monthly.now);
    assert_eq!(monthly.list_input_ratio, Some(0.5));
    assert_eq!(
        (packet.supporting.len(), packet.supporting[0].file.counts.b),
        (1, 1)
    );
    let view = lab.desk.engine.change_view(change.number).await.unwrap().unwrap();
    assert!(view.supporting[0].in_packet);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cheap_model_is_denied_with_both_sentences_and_keeps_its_packet() {
    let lab = lab(Kind::Sqlite, Models::CHEAP, Via::LiteLlm, usize::MAX)
        .await
        .unwrap();
    company(&lab, "gpt-4-turbo-0409", "gpt-4o-mini-0718").await;
    let (change, packet) = assessed(&lab).await;
    assert_eq!(change.state, State::PolicyDenied);
    let why = change.ending.unwrap();
    assert!(
        why.contains(
            "no worse than today within 5 points (−1.9 points, between −3.5 and −0.5), yet measurably worse."
        ),
        "{why}"
    );
    assert!(
        why.contains("when no tool applies, in 7.5 of 100 more cases (between 3.6 and 12.1)."),
        "{why}"
    );
    assert_eq!(change.assessment.unwrap().controls, ["evidence"]);
    assert_eq!(packet.slots.len(), 4);
}

/// Not a test: `cargo test -p tests looking_at_a_packet -- --ignored` serves a tested change on a port that it prints.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "serves until it is stopped, for looking at the pages"]
async fn looking_at_a_packet() {
    let lab = lab(Kind::Sqlite, Models::CLEAN, Via::LiteLlm, usize::MAX)
        .await
        .unwrap();
    company(&lab, "gpt-4o-0513", "gpt-4o-0806").await;
    assessed(&lab).await;
    let pick = |config: &mut bot::config::Config| config.sign_in.mode = bot::config::SignInMode::Pick;
    let web = tests::web::web_on(lab.desk, pick).await;
    web.seal().await;
    println!("{}", web.base);
    std::future::pending::<()>().await;
}

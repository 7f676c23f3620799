//! The policy's two jobs on both databases: nothing leaves that may not, and the packet says what was found.

use std::sync::Arc;

use bot::jobs::admission::Admission;
use tests::{
    db::BOTH,
    desk::{Desk, desk, filing},
};
use tokio_util::sync::CancellationToken;
use workflow_engine::{
    catalog::{Catalog, load},
    change::state::{Change, State},
    engine::{
        file::Filing,
        jobs::{Handler, Runner},
    },
    policy::Answer,
    store,
    values::{Actor, ChangeNumber},
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

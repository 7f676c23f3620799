//! From approval to verified traffic and back, on a stand-in LiteLLM that speaks the real protocol.

use chrono::TimeDelta;
use tests::{
    db::{BOTH, Kind},
    lab::Models,
    stage::stage,
};
use workflow_engine::change::{command::Command, state::State};

#[tokio::test]
async fn an_approved_route_is_applied_and_completes_when_calls_are_seen_on_it() {
    for kind in BOTH {
        let Some(stage) = stage(kind, true).await else {
            continue;
        };
        let number = stage.approved().await.number;
        stage.work().await;
        let change = stage.change(number).await;
        assert_eq!(change.state, State::Verifying);
        let live = stage.gateway.read_routes("support-answer").await.unwrap();
        assert!(live.serves(&change.candidate));
        assert_eq!(
            change.application.as_ref().unwrap().read_back,
            Some(live.digest())
        );

        // Nothing has been seen yet: it waits, however often it looks.
        stage.later().await;
        assert_eq!(stage.change(number).await.state, State::Verifying);
        stage.call().await;
        stage.later().await;
        let change = stage.change(number).await;
        assert_eq!(change.state, State::Completed);
        assert_eq!(change.application.unwrap().calls_seen, Some(1));
        assert_eq!(stage.lab.vendor.prompts_received(Models::CLEAN.candidate), 1);
    }
}

#[tokio::test]
async fn a_gateway_that_we_may_only_read_is_applied_by_hand_and_found_out_by_reading() {
    let stage = stage(Kind::Sqlite, false).await.unwrap();
    let number = stage.approved().await.number;
    stage.work().await;
    let change = stage.change(number).await;
    assert_eq!(change.state, State::Applying);
    assert!(change.application.as_ref().unwrap().by_hand);
    assert!(stage.proxy.writes().is_empty());

    let generation = change.application.as_ref().unwrap().generation;
    let confirm = Command::ConfirmApplied {
        generation,
        read_back: None,
    };
    // Ana says that it is done, but it is not.
    stage.ana(number, confirm).await;
    stage.work().await;
    let drift = stage.change(number).await.application.unwrap().drift.unwrap();
    insta::assert_snapshot!(drift, @"litellm-main says: support-answer is served by openai/gpt-4o-2024-05-13, approved is openai/gpt-4o-2024-08-06.");
    assert!(stage.proxy.writes().is_empty());
}

#[tokio::test]
async fn a_rollback_brings_the_old_route_back_under_a_higher_generation() {
    let stage = stage(Kind::Sqlite, true).await.unwrap();
    let approved = stage.approved().await;
    stage.work().await;
    let applied = stage
        .change(approved.number)
        .await
        .application
        .unwrap()
        .generation;
    stage.ana(approved.number, Command::RollBack { note: None }).await;
    stage.work().await;
    let change = stage.change(approved.number).await;
    assert_eq!(change.state, State::RolledBack);
    let live = stage.gateway.read_routes("support-answer").await.unwrap();
    assert!(live.serves(&approved.baseline));
    assert!(live.generation.unwrap() > applied);
    assert_eq!(live.deployments.len(), 1);
}

#[tokio::test]
async fn a_gateway_that_breaks_off_is_tried_again_and_one_that_refuses_is_shown_to_people() {
    let stage = stage(Kind::Sqlite, true).await.unwrap();
    let number = stage.approved().await.number;
    stage.proxy.fail_next_writes(1);
    stage.work().await;
    assert_eq!(stage.change(number).await.state, State::Applying);
    stage.lab.desk.clock.advance(TimeDelta::minutes(6));
    stage.work().await;
    assert_eq!(stage.change(number).await.state, State::Verifying);
}

#[tokio::test]
async fn a_proxy_that_says_yes_and_does_nothing_fails_the_apply() {
    let stage = stage(Kind::Sqlite, true).await.unwrap();
    let number = stage.approved().await.number;
    stage.proxy.freeze();
    stage.work().await;
    assert_eq!(stage.change(number).await.state, State::ApplyFailed);
}

#[tokio::test]
async fn calls_on_the_old_route_after_the_grace_period_are_drift() {
    let stage = stage(Kind::Sqlite, true).await.unwrap();
    let number = stage.approved().await.number;
    stage.work().await;
    let change = stage.change(number).await;
    // Somebody goes round the gateway: the application still asks the old model by itself.
    stage.lab.desk.clock.advance(TimeDelta::hours(30));
    stage.lab.call_on(Models::CLEAN.incumbent).await;
    stage.later().await;
    let change = stage.change(change.number).await;
    assert_eq!(change.state, State::Verifying);
    insta::assert_snapshot!(change.application.unwrap().drift.unwrap(), @"Calls of support-answer are still answered by gpt-4o-2024-05-13, which is not approved for it.");
}

//! How far a test is: the same counts, money and time on the card, on the page, over HTTP and in the terminal; and steering it.

use bot::commands_cli::progress::line;
use chrono::TimeDelta;
use reqwest::StatusCode;
use serde_json::json;
use tests::{
    db::{BOTH, Kind},
    desk::Desk,
    talk::{Way, talk},
    web::web,
};
use workflow_engine::{
    change::state::State,
    engine::queries::change_view::ChangeView,
    store::tokens::TokenRole,
    values::{ChangeNumber, RunId},
};

/// A test that has stored 412 of 1,240 answers in its first two minutes.
async fn under_way(desk: &Desk, number: ChangeNumber) {
    desk.to_testing(number).await;
    let change = desk.change(number).await;
    desk.keep_evidence(&change, &RunId::from("run-3"), None).await;
    desk.clock.advance(TimeDelta::minutes(2));
}

async fn view(desk: &Desk, number: ChangeNumber) -> ChangeView {
    desk.engine.change_view(number).await.unwrap().unwrap()
}

#[tokio::test]
async fn terminal_page_and_http_tell_the_same_counts_money_and_time() {
    let web = web().await;
    let number = web.desk.file("a").await.unwrap().number;
    assert_eq!(
        line(&view(&web.desk, number).await),
        format!("{number} support-answer · Submitted · no test yet")
    );
    under_way(&web.desk, number).await;
    let seen = view(&web.desk, number).await;
    insta::assert_snapshot!(line(&seen), @"#1 support-answer · testing · replayed 412 of 1,240 · $3.10 of at most $25.00 · about 5 min left");
    let mut maya = web.signed_in("maya").await;
    let page = maya.page(&format!("/changes/{}", number.0)).await;
    for words in [
        "Replayed 412 of 1,240 calls",
        "$3.10 of at most $25.00 spent so far",
    ] {
        assert!(page.contains(words), "{words} is missing:\n{page}");
    }
    let token = web.token(TokenRole::Reader, None).await;
    let (_, change) = web
        .call(&token, "GET", &format!("/api/v1/changes/{}", number.0), None)
        .await;
    let test = &change["test"];
    assert_eq!(
        (
            &test["done"],
            &test["total"],
            &test["spent_usd"],
            &test["cap_usd"]
        ),
        (&json!(412), &json!(1_240), &json!("3.1"), &json!("25"))
    );
    assert!(
        test["seconds_left"].as_u64().is_some_and(|seconds| seconds > 0),
        "{test}"
    );
}

#[tokio::test]
async fn the_card_in_chat_tells_them_too() {
    let talk = talk(Kind::Sqlite, Way::Sockets).await.unwrap();
    let root = talk.file_by_form().await;
    under_way(&talk.desk, ChangeNumber(1)).await;
    talk.until_root(
        &root.ts,
        "Replayed 412 of 1,240 calls · $3.10 of at most $25.00 · about",
    )
    .await;
}

#[tokio::test]
async fn a_test_is_paused_resumed_and_stopped_over_http_by_those_who_may() {
    for kind in BOTH {
        let Some(desk) = tests::desk::desk(kind).await else {
            continue;
        };
        let web = tests::web::web_on(desk, |_| {}).await;
        let number = web.desk.file("a").await.unwrap().number;
        let path = format!("/api/v1/changes/{}/test", number.0);
        let maya = web.token(TokenRole::Member, Some("maya")).await;
        let ana = web.token(TokenRole::Member, Some("ana")).await;
        let steer = async |token: &str, action: &str| {
            let (status, said) = web
                .call(token, "POST", &path, Some(json!({"action": action})))
                .await;
            (status, said["detail"].as_str().unwrap_or_default().to_owned())
        };
        let (status, _) = steer(&maya, "pause").await;
        assert_eq!(status, StatusCode::CONFLICT);
        under_way(&web.desk, number).await;
        assert_eq!(steer(&ana, "pause").await.0, StatusCode::OK);
        let paused = view(&web.desk, number).await;
        assert!(line(&paused).contains("test paused"), "{}", line(&paused));
        assert_eq!(paused.test.unwrap().seconds_left, None);
        assert_eq!(
            steer(&ana, "pause").await,
            (
                StatusCode::CONFLICT,
                "There is no running test to pause.".to_owned()
            )
        );
        assert_eq!(steer(&maya, "resume").await.0, StatusCode::OK);
        assert_eq!(steer(&maya, "start").await.0, StatusCode::BAD_REQUEST);
        assert_eq!(steer(&ana, "stop").await.0, StatusCode::FORBIDDEN);
        assert_eq!(steer(&maya, "stop").await.0, StatusCode::OK);
        assert_eq!(web.desk.change(number).await.state, State::ShadowFailed);
    }
}

//! Supporting evidence: results of other tools beside the test, named in the ledger, shown, and never decisive.

use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::{
    db::BOTH,
    desk::desk,
    web::{Web, web, web_on},
};
use workflow_engine::{
    change::{command::Command, state::State},
    engine::queries::change_view::ChangeView,
    store::tokens::TokenRole,
    values::ChangeNumber,
};

/// What promptfoo writes of `n` tests with both models; every tenth is wrong on the new one.
fn promptfoo(n: u64) -> String {
    let row = |test: u64, provider: &str, success: bool| {
        json!({"promptIdx": 0, "testIdx": test, "success": success, "score": f64::from(u8::from(success)),
               "provider": {"id": provider}, "response": {"output": "a secret answer"}, "latencyMs": 10})
    };
    let rows: Vec<Value> = (0..n)
        .flat_map(|test| {
            [
                row(test, "gpt-4o", true),
                row(test, "gpt-4o-mini", test % 10 != 0),
            ]
        })
        .collect();
    json!({"results": {"version": 3, "results": rows}}).to_string()
}

fn body(file: &str) -> Value {
    json!({"format": "promptfoo", "file": file, "incumbent": "gpt-4o", "candidate": "gpt-4o-mini"})
}

async fn view(web: &Web, number: ChangeNumber) -> ChangeView {
    web.desk.engine.change_view(number).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_file_is_attached_once_sealed_and_listed_wherever_the_packet_is_read() {
    for kind in BOTH {
        let Some(desk) = desk(kind).await else { continue };
        let pick = |config: &mut bot::config::Config| config.sign_in.mode = bot::config::SignInMode::Pick;
        let web = web_on(desk, pick).await;
        let number = web.desk.file("a").await.unwrap().number;
        web.desk.to_review(number).await;
        let maya = web.token(TokenRole::Member, Some("maya")).await;
        let path = format!("/api/v1/changes/{}/evidence", number.0);
        let file = promptfoo(200);
        let (status, attached) = web.call(&maya, "POST", &path, Some(body(&file))).await;
        assert_eq!(status, StatusCode::CREATED, "{attached}");
        assert_eq!(
            attached["counts"],
            json!({"a": 180, "b": 20, "c": 0, "d": 0}),
            "{attached}"
        );
        // The same again, also by somebody else, records nothing.
        let events = view(&web, number).await.events.len();
        let ana = web.token(TokenRole::Member, Some("ana")).await;
        let (status, again) = web.call(&ana, "POST", &path, Some(body(&file))).await;
        assert_eq!((status, &again), (StatusCode::CREATED, &attached));
        assert_eq!(view(&web, number).await.events.len(), events);

        web.seal().await;
        let seen = view(&web, number).await;
        assert_eq!(seen.state, State::AwaitingApproval);
        let event = seen.events.iter().find(|event| event.kind == "evidence_attached");
        assert!(event.unwrap().leaf.is_some());
        let mut tomas = web.signed_in("tomas").await;
        let page = tomas.page(&format!("/changes/{}", number.0)).await;
        for words in [
            "Supporting evidence",
            "does not decide",
            "Results of promptfoo, gpt-4o → gpt-4o-mini: 200 pairs, 180 right on both, 0 only with the candidate, 20 only today",
            "attached by Maya",
            "after the packet was sealed",
        ] {
            assert!(page.contains(words), "{words} is missing:\n{page}");
        }
        // What is kept are pairs, not what anybody wrote.
        let digest = attached["sha256"].as_str().unwrap();
        let (_, pairs) = web.call(&maya, "GET", &format!("{path}/{digest}"), None).await;
        let pairs = pairs.as_str().unwrap();
        assert_eq!(pairs.lines().count(), 200);
        assert!(!pairs.contains("secret"));
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_too_large_or_comes_too_late_is_refused_in_words() {
    let web = web().await;
    let number = web.desk.file("a").await.unwrap().number;
    let maya = web.token(TokenRole::Member, Some("maya")).await;
    let path = format!("/api/v1/changes/{}/evidence", number.0);
    let refused = async |body: Value| {
        let (status, problem) = web.call(&maya, "POST", &path, Some(body)).await;
        (status, problem["detail"].as_str().unwrap_or_default().to_owned())
    };
    let (status, why) = refused(body("<html>")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(
        why.starts_with("These results cannot be used: no result file of promptfoo"),
        "{why}"
    );
    let (status, why) = refused(json!({"format": "lm_eval", "file": "{}"})).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(why.contains("both are needed"), "{why}");
    let pair = |index: u32| {
        format!(r#"{{"trace_id":"{index}","arms":{{"incumbent":{{"ok":true}},"candidate":{{"ok":true}}}}}}"#)
    };
    let many: Vec<String> = (0..=100_000).map(pair).collect();
    let (status, why) = refused(json!({"format": "pairs", "file": many.join("\n")})).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(why.contains("100001 pairs are more than the 100000"), "{why}");

    let nobody = web.token(TokenRole::Admin, None).await;
    let (status, _) = web.call(&nobody, "POST", &path, Some(body(&promptfoo(5)))).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    web.desk.person("maya", number, Command::Withdraw).await.unwrap();
    let (status, why) = refused(body(&promptfoo(5))).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(why.starts_with("This change has ended"), "{why}");
    assert_eq!(view(&web, number).await.supporting.len(), 0);
}

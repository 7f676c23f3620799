//! Failing answers side by side, on the page and over HTTP: for cleared people, page by page, until they are erased.

use chrono::TimeDelta;
use reqwest::StatusCode;
use tests::{
    db::{BOTH, Kind},
    lab::{Models, Via, lab},
    web::{Web, web_on},
};
use workflow_engine::{change::event::Event, store, store::tokens::TokenRole, values::ChangeNumber};

/// A tested change behind the console.
async fn tested(kind: Kind, per_category: usize) -> Option<(Web, ChangeNumber)> {
    let lab = lab(kind, Models::CHEAP, Via::LiteLlm, per_category).await?;
    let change = lab.admitted().await;
    lab.run(&lab.tester(), change.number).await.unwrap();
    let pick = |config: &mut bot::config::Config| config.sign_in.mode = bot::config::SignInMode::Pick;
    Some((web_on(lab.desk, pick).await, change.number))
}

/// Who looked, and at how many pairs.
async fn looks(web: &Web, number: ChangeNumber) -> Vec<(String, u32)> {
    let change = web.desk.change(number).await;
    let events = store::changes::events(web.desk.engine.db(), change.id.as_str()).await;
    let looked = |event: Event| match event {
        Event::ContentViewed { by, traces, .. } => Some((by.to_string(), traces)),
        _ => None,
    };
    let events = events.unwrap();
    events
        .iter()
        .filter_map(|event| looked(event.event().unwrap()))
        .collect()
}

#[tokio::test]
async fn the_owner_reads_failed_answers_with_what_differed_and_the_look_is_on_record() {
    for kind in BOTH {
        let Some((web, number)) = tested(kind, 60).await else {
            continue;
        };
        let mut wei = web.signed_in("wei").await;
        let change = wei.page(&format!("/changes/{}", number.0)).await;
        assert!(change.contains("Show failed answers"), "{change}");
        let path = format!("/changes/{}/examples", number.0);
        let page = wei
            .page(&format!("{path}?stratum=relevance&check=abstention"))
            .await;
        for words in [
            "Fails on the candidate, passes today",
            "abstention: it calls",
            "where no tool applies",
            "<h3>Today ",
            "<h3>Candidate ",
            "Right would be",
        ] {
            assert!(page.contains(words), "{words} is missing:\n{page}");
        }
        let shown = u32::try_from(page.matches("<h3>Candidate ").count()).unwrap();
        assert!(shown > 0);
        assert_eq!(looks(&web, number).await, [("wei".to_owned(), shown)]);
        assert!(
            wei.page(&format!("/changes/{}", number.0))
                .await
                .contains(&format!(
                    "Looked at prompts and answers of {shown} replayed calls"
                ))
        );
    }
}

#[tokio::test]
async fn pages_follow_one_another_and_keep_their_filters() {
    let (web, number) = tested(Kind::Sqlite, 12).await.unwrap();
    let mut wei = web.signed_in("wei").await;
    let first = wei
        .page(&format!(
            "/changes/{}/examples?show=every&stratum=simple",
            number.0
        ))
        .await;
    assert!(first.contains("All pairs: 12"), "{first}");
    assert_eq!(first.matches("<h3>Today ").count(), 10);
    let next = format!(
        "/changes/{}/examples?show=every&amp;stratum=simple&amp;skip=10",
        number.0
    );
    assert!(first.contains(&next), "{first}");
    let second = wei.page(&next.replace("&amp;", "&")).await;
    assert_eq!(second.matches("<h3>Today ").count(), 2);
    assert!(
        second.contains("◂ First") && !second.contains("Next ▸"),
        "{second}"
    );

    let nothing = wei
        .page(&format!("/changes/{}/examples?check=served_by", number.0))
        .await;
    assert!(
        nothing.contains("No such pair among the tested calls"),
        "{nothing}"
    );
    assert_eq!(looks(&web, number).await.len(), 2);
}

#[tokio::test]
async fn who_is_not_cleared_reads_who_is_on_the_page_and_over_http() {
    let (web, number) = tested(Kind::Sqlite, 6).await.unwrap();
    let mut tomas = web.signed_in("tomas").await;
    let who = "Prompts of support-answer are confidential data; its owner and security may read them.";
    let change = tomas.page(&format!("/changes/{}", number.0)).await;
    assert!(
        change.contains(who) && !change.contains("Show failed answers"),
        "{change}"
    );
    let answer = tomas.get(&format!("/changes/{}/examples", number.0)).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    let page = answer.text().await.unwrap();
    assert!(page.contains("Not yours to read") && page.contains(who), "{page}");

    let api = format!("/api/v1/changes/{}/examples", number.0);
    let token = web.token(TokenRole::Member, Some("tomas")).await;
    let (status, problem) = web.call(&token, "GET", &api, None).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(problem["detail"].as_str().unwrap().starts_with(who), "{problem}");
    let nobody = web.token(TokenRole::Reader, None).await;
    let (status, problem) = web.call(&nobody, "GET", &api, None).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("stands for no person")
    );
    assert_eq!(looks(&web, number).await, []);
}

#[tokio::test]
async fn a_cleared_token_pages_through_and_nothing_is_left_after_the_erasure() {
    for kind in BOTH {
        let Some((web, number)) = tested(kind, 6).await else {
            continue;
        };
        let api = format!("/api/v1/changes/{}/examples?show=every&limit=20", number.0);
        let token = web.token(TokenRole::Member, Some("wei")).await;
        let (status, page) = web.call(&token, "GET", &api, None).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        assert_eq!((&page["total"], &page["next_skip"]), (&30.into(), &20.into()));
        assert_eq!(page["running"], false);
        assert_eq!(page["strata"].as_array().unwrap().len(), 5);
        let wrong = page["items"].as_array().unwrap().iter().find_map(|item| {
            let failed = item["candidate"]["failed"].as_array()?;
            failed.first().cloned()
        });
        if let Some(wrong) = wrong {
            assert!(
                wrong["differs"].as_str().is_some_and(|words| !words.is_empty()),
                "{wrong}"
            );
        }
        let (_, rest) = web.call(&token, "GET", &format!("{api}&skip=20"), None).await;
        assert_eq!(rest["items"].as_array().unwrap().len(), 10);
        assert_eq!(rest["next_skip"], serde_json::Value::Null);

        web.desk.clock.advance(TimeDelta::days(91));
        web.desk.vault().erase_due().await.unwrap();
        let token = web.token(TokenRole::Member, Some("wei")).await;
        let (status, gone) = web.call(&token, "GET", &api, None).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{gone}");
        let mut wei = web.signed_in("wei").await;
        let answer = wei.get(&format!("/changes/{}/examples", number.0)).await;
        assert_eq!(answer.status(), StatusCode::GONE);
        let page = answer.text().await.unwrap();
        assert!(page.contains("the erasure is in the ledger"), "{page}");
    }
}

#[tokio::test]
async fn while_the_test_goes_on_the_page_says_so() {
    let lab = lab(Kind::Sqlite, Models::CHEAP, Via::LiteLlm, 6).await.unwrap();
    let change = lab.admitted().await;
    let stop = tokio_util::sync::CancellationToken::new();
    stop.cancel();
    // Ended before the first answer: the plan is frozen, nothing is there yet.
    let ended = lab.tester().run(change.number, change.revision, &stop).await;
    assert!(ended.is_err());
    let pick = |config: &mut bot::config::Config| config.sign_in.mode = bot::config::SignInMode::Pick;
    let web = web_on(lab.desk, pick).await;
    let mut wei = web.signed_in("wei").await;
    let page = wei
        .page(&format!(
            "/changes/{}/examples?show=better&check=secret_leak",
            change.number.0
        ))
        .await;
    assert!(page.contains("The test is still going on"), "{page}");
}

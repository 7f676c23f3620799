//! A judge of free text in the users' verbs: tested, labelled in the console, calibrated, believed.

mod refused;

use reqwest::StatusCode;
use serde_json::json;
use tests::{
    lab::{Lab, Models, lab_in_words},
    voices::{JUDGE, Rule, Voices, card, fair, first_is_better, name_judge, voices},
    web::{Browser, web_on},
};
use workflow_engine::{
    change::{command::Command, event::Event, state::Change},
    engine::shadow::{examples::ExamplesError, prompts_sent},
    shadow::{
        analysis::report::{Endpoint, Outcome, Report, Verdict},
        judging::Choice,
    },
    store,
    store::tokens::TokenRole,
    values::{PersonId, RunId, WorkflowId},
};

/// A bench with so many calls, whose workflow names a judge that follows `rule`.
async fn bench(calls: usize, rule: Rule) -> (Lab, Voices) {
    let lab = lab_in_words(Models::CLEAN, calls).await;
    lab.edit(name_judge).await;
    (lab, voices(rule).await)
}

async fn report(lab: &Lab, change: &Change) -> Report {
    let change = lab.desk.change(change.number).await;
    let run = lab.desk.engine.test_run(&change).await.unwrap().unwrap();
    serde_json::from_str(&run.report.unwrap()).unwrap()
}

/// Maya's change is tested and withdrawn again, so that she may file the next one.
async fn tested(lab: &Lab, voices: &Voices) -> Report {
    let change = lab.admitted().await;
    let tester = lab.tester_of(voices.models());
    assert_eq!(
        lab.run(&tester, change.number).await.unwrap(),
        Some("submit evidence")
    );
    let report = report(lab, &change).await;
    let withdrawn = lab.desk.person("maya", change.number, Command::Withdraw).await;
    withdrawn.unwrap();
    report
}

fn workflow() -> WorkflowId {
    "support-answer".into()
}

fn wei() -> PersonId {
    PersonId::from("wei")
}

/// Wei, who owns the workflow, says of so many pairs what everybody can see.
async fn label(lab: &Lab, pairs: u64) {
    for labels in 0..pairs {
        let next = lab.vault().to_label(&wei(), &workflow()).await.unwrap();
        assert_eq!(next.labels, labels);
        let pair = next.pair.unwrap();
        let choice = match first_is_better(&pair.first, &pair.second) {
            Some(true) => Choice::First,
            Some(false) => Choice::Second,
            None => Choice::Neither,
        };
        let place = (pair.run, pair.trace_id);
        let kept = lab.vault().label(&wei(), &workflow(), place, choice).await;
        assert!(kept.unwrap());
    }
}

fn endpoint<'a>(report: &'a Report, name: &str) -> Option<&'a Endpoint> {
    report.endpoints.iter().find(|it| it.endpoint == name)
}

fn why(report: &Report) -> &str {
    let of_judge = report.reasons.iter().find(|why| why.starts_with("judge: "));
    of_judge.map(String::as_str).unwrap_or_default()
}

/// Clicks through the pairs in a browser until `labels` are given.
async fn label_in_console(browser: &mut Browser, labels: usize) {
    let path = "/workflows/support-answer/labels";
    for _ in 0..labels {
        let page = browser.page(path).await;
        let part = |heading: &str| {
            let rest = page.split(heading).nth(1).unwrap();
            rest.split("</p>").next().unwrap().to_owned()
        };
        let says = match first_is_better(&part(">First answer<"), &part(">Second answer<")) {
            Some(true) => "first",
            Some(false) => "second",
            None => "neither",
        };
        let answer = browser.submit(path, &page, &[("says", says)]).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    }
}

/// A label by a slip of the finger, taken back.
async fn say_and_take_back(browser: &mut Browser, page: &str) {
    let path = "/workflows/support-answer/labels";
    let said = browser.submit(path, page, &[("says", "neither")]).await;
    let next = said.headers()["location"].to_str().unwrap().to_owned();
    let page = browser.page(&next).await;
    assert!(page.contains("1 pair is labelled; claude-3-haiku-20240307 may not judge before 59 more are."));
    let back = page.split("The label before is recorded").next().unwrap();
    let back = back.rsplit("<form").next().unwrap().to_owned();
    browser.submit(path, &format!("<form{back}</form>"), &[]).await;
}

#[tokio::test]
async fn people_label_in_the_console_and_then_the_judge_counts_corrected_by_them() {
    let (lab, voices) = bench(90, fair).await;
    let unlabelled = tested(&lab, &voices).await;
    insta::assert_snapshot!(why(&unlabelled), @"judge: anthropic/claude-3-haiku-20240307 does not count: people have labelled 0 pairs; at least 60 are needed. Free text was left to the checks alone. Label more pairs at /workflows/support-answer/labels, then file the change again.");
    assert_ne!(unlabelled.verdict, Verdict::Eligible);
    // It may not judge whatever it would say, so nobody paid for asking.
    assert_eq!(voices.anthropic.prompts_received(JUDGE), 0);

    let tester = lab.tester_of(voices.models());
    let web = web_on(lab.desk, |config| {
        config.sign_in.mode = bot::config::SignInMode::Pick
    })
    .await;
    let mut wei = web.signed_in("wei").await;
    let page = wei.page("/workflows/support-answer/labels").await;
    assert!(
        page.contains("No pair is labelled yet; claude-3-haiku-20240307 may not judge before 60 more are.")
    );
    for word in ["gpt-4o", "2024-08-06", "incumbent", "candidate"] {
        let shown = page
            .split("<main")
            .nth(1)
            .unwrap()
            .split("</main>")
            .next()
            .unwrap();
        assert!(!shown.contains(word), "{word}");
    }
    say_and_take_back(&mut wei, &page).await;
    label_in_console(&mut wei, 60).await;
    let page = wei.page("/workflows/support-answer").await;
    assert!(page.contains("60 pairs are labelled; 60 are needed."), "{page}");

    let filing = workflow_engine::engine::file::Filing {
        candidate: "proposed".to_owned(),
        ..tests::desk::filing("again")
    };
    let number = web.desk.engine.file(filing).await.unwrap().number;
    let change = web.desk.to_test(number).await;
    let command = tester.run(number, change.revision, &Default::default()).await;
    web.desk.service(number, command.unwrap().unwrap()).await.unwrap();
    let change = web.desk.change(number).await;
    let run = web.desk.engine.test_run(&change).await.unwrap().unwrap();
    let report: Report = serde_json::from_str(run.report.as_ref().unwrap()).unwrap();

    let seen = report.judge.as_ref().unwrap();
    assert_eq!((seen.labels, &seen.refused), (60, &None), "{seen:?}");
    assert_eq!(seen.agreement.kappa, Some(1.0));
    let judge = endpoint(&report, "judge").unwrap();
    let raw = endpoint(&report, "score").unwrap();
    let pairs = seen.tally.judged + seen.tally.identical;
    assert_eq!((judge.n, raw.n), (pairs, pairs));
    assert_eq!((raw.outcome, judge.outcome), (None, Some(Outcome::Inferior)));
    assert_eq!(report.verdict, Verdict::NotEligible);
    // Each pair in both orders, once: those with a label, and those of this run that differ.
    let questions = 2 * (60 + seen.tally.judged);
    assert_eq!(voices.anthropic.prompts_received(JUDGE), questions);
    let sent = prompts_sent(&web.desk.engine, &run).await.unwrap();
    assert_eq!(sent[&card().name()], questions);
    assert_eq!(run.done, run.total);

    let page = wei.page(&format!("/changes/{}", number.0)).await;
    assert!(page.contains("Free text, judged"), "{page}");
    assert!(page.contains("As people would judge: −"));
    assert!(page.contains("As the judge says by itself: −"));
    assert!(page.contains("60 of 60 (100 %)"));
    let reader = web.token(TokenRole::Reader, None).await;
    let (_, view) = web
        .call(&reader, "GET", &format!("/api/v1/changes/{}", number.0), None)
        .await;
    let judge = &view["verdict"]["judge"];
    assert_eq!(judge["agreement"]["k"], 60, "{judge}");
    assert!(judge["corrected"]["interval"].is_array(), "{judge}");
    let (_, csv) = web
        .call(
            &reader,
            "GET",
            &format!("/api/v1/changes/{}/packet?format=csv", number.0),
            None,
        )
        .await;
    assert!(csv.as_str().unwrap().contains("candidate_score"), "{csv}");
}

#[tokio::test]
async fn labels_are_given_over_the_api_by_cleared_people_and_each_look_is_on_record() {
    let (lab, voices) = bench(6, fair).await;
    tested(&lab, &voices).await;
    let web = web_on(lab.desk, |_| {}).await;
    let path = "/api/v1/workflows/support-answer/labels";
    let wei = web.token(TokenRole::Member, Some("wei")).await;
    let (status, next) = web.call(&wei, "GET", path, None).await;
    assert_eq!(
        (status, next["needed"].as_u64()),
        (StatusCode::OK, Some(60)),
        "{next}"
    );
    let said = json!({"run": next["pair"]["run"], "trace_id": next["pair"]["trace_id"], "says": "neither"});
    let (_, kept) = web.call(&wei, "POST", path, Some(said.clone())).await;
    assert_eq!(kept, json!({"kept": true}));
    let (_, kept) = web.call(&wei, "POST", path, Some(said)).await;
    assert_eq!(kept, json!({"kept": false}));
    let (_, next) = web.call(&wei, "GET", path, None).await;
    assert_eq!(
        (next["labels"].as_u64(), next["decisive"].as_u64()),
        (Some(1), Some(0))
    );
    let change = web.desk.change(workflow_engine::values::ChangeNumber(1)).await;
    let events = store::changes::events(web.desk.engine.db(), change.id.as_str())
        .await
        .unwrap();
    let looks = events
        .iter()
        .filter(|event| matches!(event.event().unwrap(), Event::ContentViewed { .. }));
    assert_eq!(looks.count(), 2);

    let tomas = web.token(TokenRole::Member, Some("tomas")).await;
    let nobody = web.token(TokenRole::Reader, None).await;
    for token in [&tomas, &nobody] {
        let (status, body) = web.call(token, "GET", path, None).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{body}");
    }
    let strange = json!({"run": "run-9", "trace_id": "t1", "says": "first"});
    let (status, body) = web.call(&wei, "POST", path, Some(strange)).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{body}");
    let wrong = json!({"run": "run-9", "trace_id": "t1", "says": "incumbent"});
    let (status, body) = web.call(&wei, "POST", path, Some(wrong)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
}

#[tokio::test]
async fn what_was_erased_is_shown_to_nobody_and_only_verdicts_that_were_given_count() {
    let (lab, voices) = bench(6, fair).await;
    tested(&lab, &voices).await;
    lab.desk.clock.advance(chrono::TimeDelta::days(91));
    lab.vault().erase_due().await.unwrap();
    let next = lab.vault().to_label(&wei(), &workflow()).await.unwrap();
    assert_eq!(next.pair, None);
    let strange = (RunId::from("run-9"), "t1".to_owned());
    let refused = lab
        .vault()
        .label(&wei(), &workflow(), strange, Choice::First)
        .await;
    assert!(matches!(refused, Err(ExamplesError::NoPair(_))), "{refused:?}");
}

/// Not a test: `cargo test -p tests looking_at_labels -- --ignored` serves a judged change and a page of labels.
#[tokio::test]
#[ignore = "serves until it is stopped, for looking at the pages"]
async fn looking_at_labels() {
    let (lab, voices) = bench(90, fair).await;
    tested(&lab, &voices).await;
    label(&lab, 60).await;
    let change = lab.admitted().await;
    lab.run(&lab.tester_of(voices.models()), change.number)
        .await
        .unwrap();
    let web = web_on(lab.desk, |config| {
        config.sign_in.mode = bot::config::SignInMode::Pick
    })
    .await;
    println!(
        "{} changes/1 (too few labels) changes/2 (judged) workflows/support-answer/labels",
        web.base
    );
    std::future::pending::<()>().await;
}

//! Supporting evidence: results of other tools beside the test, named in the ledger, shown, and never decisive.

use bot::commands_cli::analyze;
use clap::Parser;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::{
    db::BOTH,
    desk::{Desk, desk},
    web::{Web, web, web_on},
};
use workflow_engine::{
    change::{
        command::{Command, Proposal},
        state::State,
    },
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

#[tokio::test]
async fn a_revision_keeps_what_was_attached_and_its_next_packet_will_list_it() {
    for kind in BOTH {
        let Some(desk) = desk(kind).await else { continue };
        let web = web_on(desk, |_| ()).await;
        let number = web.desk.file("a").await.unwrap().number;
        let change = web.desk.to_review(number).await;
        let maya = web.token(TokenRole::Member, Some("maya")).await;
        let path = format!("/api/v1/changes/{}/evidence", number.0);
        let file = promptfoo(20);
        let (_, attached) = web.call(&maya, "POST", &path, Some(body(&file))).await;

        let proposal = Proposal {
            candidate: change.candidate,
            baseline: change.baseline,
            claims_savings: false,
            co_authors: change.co_authors,
            reason: None,
        };
        let revise = Command::Revise(proposal);
        web.desk.person("maya", number, revise).await.unwrap();
        let seen = view(&web, number).await;
        assert_eq!((seen.state, seen.revision.0), (State::Submitted, 2));
        let (_, listed) = web.call(&maya, "GET", &path, None).await;
        let items = listed["items"].as_array().unwrap();
        assert_eq!(items.len(), 1, "{listed}");
        assert_eq!(items[0]["sha256"], attached["sha256"], "{listed}");
        // What the next packet is made of.
        let kept = web.desk.engine.supporting(number).await.unwrap();
        assert_eq!(json!(kept[0].file.sha256), attached["sha256"]);
        // The second edition needs no second upload.
        let (status, _) = web.call(&maya, "POST", &path, Some(body(&file))).await;
        assert_eq!(status, StatusCode::CREATED);
        assert_eq!(view(&web, number).await.supporting.len(), 1);
    }
}

#[derive(Parser)]
enum Program {
    Analyze(analyze::Args),
}

/// Runs `governor analyze` on 200 pairs and attaches them, beside the service on the desk's database.
async fn governor_attach(desk: &Desk, number: u64, person: &str) -> Result<String, String> {
    let folder = desk.fresh.folder.path();
    let file = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let pair = |index: u32| {
        format!(r#"{{"trace_id":"{index}","arms":{{"incumbent":{{"ok":true}},"candidate":{{"ok":true}}}}}}"#)
    };
    let pairs = (0..200).map(pair).collect::<Vec<_>>().join("\n");
    let (number, pairs, plan) = (
        number.to_string(),
        file("pairs.ndjson", &pairs),
        file("plan.json", "{}"),
    );
    let config = file(
        "governor.toml",
        &format!("[database]\nurl = \"{}\"\n", desk.fresh.url),
    );
    let words = [
        "governor", "analyze", "--plan", &plan, &pairs, "--attach", &number, "--as", person, "--config",
        &config,
    ];
    let Program::Analyze(args) = Program::try_parse_from(words).map_err(|error| error.to_string())?;
    let answered = analyze::answer(&args, None).await;
    answered
        .map(|(said, _)| said)
        .map_err(|error| format!("{error:#}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_attaches_what_it_has_judged_while_the_service_runs() {
    for kind in BOTH {
        let Some(desk) = desk(kind).await else { continue };
        let number = desk.file("a").await.unwrap().number;
        let said = governor_attach(&desk, number.0, "maya").await.unwrap();
        let report: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(report["verdict"], "eligible");
        let seen = desk.engine.change_view(number).await.unwrap().unwrap();
        let of = &seen.supporting[0].of;
        assert_eq!((of.by.0.as_str(), of.file.counts.n()), ("maya", 200));

        let stranger = governor_attach(&desk, number.0, "nobody").await.unwrap_err();
        assert_eq!(stranger, "the catalog has no person nobody");
        let unknown = governor_attach(&desk, 99, "maya").await.unwrap_err();
        assert_eq!(unknown, "there is no change #99");
    }
}

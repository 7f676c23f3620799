//! Traffic and the policy: each call carries what it fails, and a gateway that asks first is answered from memory.

use axum::{body::Body, http::Request};
use serde_json::{Value, json};
use tests::calls::calls;
use tests::db::{BOTH, Kind};
use tests::door::{Door, door};
use workflow_engine::catalog::{Catalog, load};
use workflow_engine::policy::Rulebook;
use workflow_engine::values::Actor;

const DECIDE: &str = "/hooks/v1/decide";
const LITELLM: &str = "/hooks/litellm/litellm-main/beta/litellm_basic_guardrail_api";

fn example() -> Catalog {
    load(
        "catalog.example.toml",
        include_str!("../../deploy/catalog.example.toml"),
    )
    .unwrap()
}

fn enforced() -> Catalog {
    let mut catalog = example();
    catalog.policy.enforce_traffic = true;
    catalog
}

async fn small(catalog: &Catalog) -> Door {
    door(calls(Kind::Sqlite).await.unwrap(), catalog).await
}

async fn decided(door: &Door, asked: Value) -> Value {
    let answer = door.hook(DECIDE, asked.to_string()).await;
    assert_eq!(answer.status, 200);
    let mut said = answer.json();
    assert!(said["decision_id"].take().is_string());
    said
}

fn row(record: &str, model: &str, region: Option<&str>) -> String {
    let provider = if region == Some("ap") {
        "azure.ai.openai"
    } else {
        "openai"
    };
    json!({"record_id": record, "started_at": "2026-11-24T08:00:00Z", "workflow": "support-answer",
        "provider": provider, "route_model": model, "region": region})
    .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_outside_the_policy_are_marked_and_summed_by_where_they_went() {
    for kind in BOTH {
        let Some(calls) = calls(kind).await else { continue };
        let door = door(calls, &example()).await;
        let rows = [
            row("fine", "gpt-4o-2024-08-06", None),
            row("abroad-1", "gpt-4o-mini-2024-07-18", Some("ap")),
            row("abroad-2", "gpt-4o-mini-2024-07-18", Some("ap")),
            row("unheard-of", "gpt-5-nano", None),
        ];
        let sent = door
            .deliver("POST", "/ingest/calls", &[], rows.join("\n").into_bytes())
            .await;
        assert_eq!(sent.json()["new"], 4);
        let listed = door.read("/api/v1/calls").await.json();
        let findings = |record: &str| {
            let items = listed["items"].as_array().unwrap();
            items.iter().find(|item| item["record_id"] == record).unwrap()["findings"].clone()
        };
        assert_eq!(findings("fine"), json!([]));
        assert_eq!(findings("abroad-1"), json!(["residency"]));
        assert_eq!(findings("unheard-of"), json!(["unapproved-route"]));
        let traffic = door.read("/api/v1/policies/traffic").await.json();
        let lines: Vec<String> = traffic["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| {
                format!(
                    "{} {} {} {}",
                    item["workflow"], item["model"], item["calls"], item["unmet"]
                )
            })
            .collect();
        insta::allow_duplicates! {
            insta::assert_snapshot!(lines.join("\n"), @r#"
            "support-answer" "gpt-4o-mini-2024-07-18" 2 ["Processed in an allowed region"]
            "support-answer" "gpt-5-nano" 1 ["Sent to a model of an approved route"]
            "#);
        }
        assert_eq!(traffic["enforced"], false);
        let wrong = door.read("/api/v1/policies/traffic?hours=0").await;
        assert_eq!(wrong.json()["detail"], "`hours` must be 1 to 168.");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_only_watches_lets_a_request_pass_and_says_what_it_found() {
    let door = small(&example()).await;
    let good = decided(&door, json!({"tags": ["workflow:support-answer"]})).await;
    assert_eq!(
        (&good["allow"], &good["workflow"], &good["findings"]),
        (&json!(true), &json!("support-answer"), &json!([]))
    );
    let abroad = decided(
        &door,
        json!({"workflow": "support-answer", "provider": "azure.ai.openai", "model": "gpt-4o-mini-2024-07-18", "region": "ap",
            "anything": "else"}),
    )
    .await;
    insta::assert_snapshot!(format!("{} {}", abroad["allow"], abroad["reason"]), @r#"true "This request of support-answer is outside the policy, which only watches. Not met: Processed in an allowed region.""#);
    let stranger = decided(&door, json!({"alias": "anything"})).await;
    insta::assert_snapshot!(format!("{} {} {}", stranger["allow"], stranger["findings"], stranger["reason"]), @r#"true ["unknown-workflow"] "No mapping rule gives this request a workflow, so the policy cannot be asked.""#);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enforced_policy_stops_what_fails_in_the_words_of_each_gateway() {
    let mut catalog = enforced();
    catalog.policy.rules =
        "@id(\"no-claims\") forbid (principal == Gov::Workflow::\"claims-triage\", action == Gov::Action::\"traffic\", resource);"
            .to_owned();
    let door = small(&catalog).await;
    let stopped = decided(&door, json!({"alias": "claims-triage"})).await;
    insta::assert_snapshot!(format!("{} {} {}", stopped["allow"], stopped["status"], stopped["reason"]), @r#"false 403 "This request of claims-triage may not be sent. Not met: Within the organisation’s own rules.""#);
    let asked = |model: &str| {
        json!({"input_type": "request", "model": model, "texts": ["a question"], "request_headers": {},
            "request_data": {"user_api_key_alias": "k"}})
        .to_string()
    };
    let blocked = door.hook(LITELLM, asked("claims-triage")).await.json();
    assert_eq!(blocked["action"], "BLOCKED");
    let reason = blocked["blocked_reason"].as_str().unwrap();
    assert!(
        reason.starts_with("This request of claims-triage may not be sent.") && reason.contains("[governor-")
    );
    assert_eq!(
        door.hook(LITELLM, asked("support-answer")).await.json(),
        json!({"action": "NONE"})
    );
    let stranger = decided(&door, json!({"alias": "anything"})).await;
    assert_eq!(stranger["allow"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_catalog_is_asked_as_soon_as_the_gate_has_read_it() {
    let door = small(&example()).await;
    let abroad = json!({"workflow": "support-answer", "provider": "openai", "model": "gpt-5-nano"});
    let before = decided(&door, abroad.clone()).await;
    assert_eq!(before["allow"], true);
    let tests = Actor::Service("tests".to_owned());
    door.engine.apply_catalog(&enforced(), &tests).await.unwrap();
    door.calls.clock.advance(chrono::TimeDelta::seconds(30));
    door.gate.refresh().await.unwrap();
    let after = decided(&door, abroad).await;
    assert_eq!(after["allow"], false);
    // Each answer names the rules that were asked, as the decisions about changes do.
    let digest = |catalog: &Catalog| json!(Rulebook::new(catalog).policy_sha256());
    assert_eq!(before["policy_sha256"], digest(&example()));
    assert_eq!(after["policy_sha256"], digest(&enforced()));
    assert_ne!(before["policy_sha256"], after["policy_sha256"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_gateways_token_is_answered_and_a_body_that_cannot_be_read_stops_nothing() {
    let door = small(&enforced()).await;
    let nobody = Request::post(DECIDE).header("content-type", "application/json");
    let answer = door.ask(nobody.body(Body::from("{}")).unwrap()).await;
    assert_eq!(answer.status, 401);
    let ingest = door
        .deliver(
            "POST",
            DECIDE,
            &[("content-type", "application/json")],
            b"{}".to_vec(),
        )
        .await;
    assert_eq!(ingest.status, 403);
    assert_eq!(
        door.hook(LITELLM, "<html>").await.json(),
        json!({"action": "NONE"})
    );
    assert_eq!(door.hook(DECIDE, "<html>").await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_recorded_questions_of_litellm_are_answered_as_it_was_answered_then() {
    let Some(shared) = tests::shared() else { return };
    let door = small(&example()).await;
    let folder = shared.join("corpus/litellm-guardrail");
    let mut asked = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let http = entry.unwrap().path();
        if !http.to_string_lossy().ends_with(".http.json") {
            continue;
        }
        let meta: Value = serde_json::from_slice(&std::fs::read(&http).unwrap()).unwrap();
        let path = meta["path"].as_str().unwrap();
        if !path.starts_with("/hooks/litellm/") {
            continue;
        }
        let body = std::fs::read(http.with_extension("").with_extension("body")).unwrap();
        let answer = door.hook(path, body).await;
        assert_eq!(answer.status, 200);
        // The reply that was captured then blocked by a rule over the text, which is not ours to read.
        assert_eq!(answer.json()["action"], "NONE");
        asked += 1;
    }
    assert!(asked > 10, "{asked} questions");
}

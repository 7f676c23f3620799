//! A change of the policy: proposed, reviewed, agreed to by those whom the catalog names, in force, and in the ledger.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bot::{
    gateways::Gateways,
    jobs::{
        admission::Admission, apply_route::ApplyRoute, assess::Assess, timers::Timers,
        verify_traffic::VerifyTraffic,
    },
};
use tests::{
    db::Kind,
    desk::log_key,
    lab::{Lab, Models, Via, lab},
    web::web,
};
use tokio_util::sync::CancellationToken;
use workflow_engine::{
    catalog::{Catalog, load},
    change::state::{Change, State},
    engine::{
        HandleError,
        catalog::ApplyError,
        jobs::{Handler, Runner},
        ledger::Ledger,
        policy::PolicyProposal,
        seal::Sealer,
    },
    evidence::{dsse::Envelope, statement::Statement},
    policy::change::PolicyParts,
    ports::clock::Clock as _,
    store::{self, tokens::TokenRole},
    usage::price::{PriceBook, SHIPPED, book::Origin},
    values::{Actor, ChangeNumber, PersonId, Role},
};

const RULES: &str = r#"@id("no-mini")
@says("Small models are not used here.")
forbid (principal, action, resource) when { resource.model like "gpt-4o-mini*" };"#;

/// The example company, whose policy may be changed by an approved change only.
async fn company() -> Lab {
    let lab = lab(Kind::Sqlite, Models::CLEAN, Via::LiteLlm, 0).await.unwrap();
    let text = include_str!("../../deploy/catalog.example.toml");
    let mut catalog = load("catalog.example.toml", text).unwrap();
    catalog.policy.change_needs_approval = true;
    catalog.workflows[0].route = "gpt-4o-mini-0718".to_owned();
    let tests = Actor::Service("tests".to_owned());
    lab.desk.engine.apply_catalog(&catalog, &tests).await.unwrap();
    lab
}

fn proposal(catalog: &Catalog, who: &str) -> PolicyProposal {
    let mut parts = PolicyParts::of(catalog);
    parts.policy.rules = RULES.to_owned();
    PolicyProposal {
        requester: PersonId::from(who),
        key: format!("proposal of {who}"),
        parts,
        reason: None,
    }
}

/// Does what is due, until nothing moves any more.
async fn settle(lab: &Lab) {
    let engine = lab.desk.engine.clone();
    let mut prices = PriceBook::default();
    prices.add_map(Origin::List, SHIPPED).unwrap();
    let gateways = Gateways::new(BTreeMap::new());
    let calls = Arc::new(lab.calls.clone());
    let handlers: Vec<Arc<dyn Handler>> = vec![
        Arc::new(Admission::new(engine.clone())),
        Arc::new(Assess::new(
            engine.clone(),
            lab.calls.clone(),
            Arc::new(prices),
            Arc::new(log_key()),
        )),
        Arc::new(ApplyRoute::new(engine.clone(), gateways.clone())),
        Arc::new(VerifyTraffic::new(
            engine.clone(),
            gateways,
            calls,
            Duration::from_secs(60),
        )),
        Arc::new(Timers::new(engine.clone())),
    ];
    let runner = Runner::new(engine, handlers);
    for _ in 0..12 {
        runner.step(&CancellationToken::new()).await.unwrap();
        runner.settle().await;
    }
}

async fn change(lab: &Lab, number: ChangeNumber) -> Change {
    lab.desk.change(number).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_in_force_once_security_and_platform_have_agreed_and_the_ledger_says_so() {
    let lab = company().await;
    let engine = &lab.desk.engine;
    let (_, before) = engine.catalog().await.unwrap();
    let number = engine
        .propose_policy(proposal(&before, "maya"))
        .await
        .unwrap()
        .number;
    settle(&lab).await;
    let waiting = change(&lab, number).await;
    assert_eq!(waiting.state, State::AwaitingApproval, "{:?}", waiting.ending);
    let roles: Vec<Role> = waiting.slots.iter().map(|slot| slot.role).collect();
    assert_eq!(roles, [Role::Security, Role::Platform]);
    assert!(waiting.test.is_none(), "nothing is replayed");

    let sealed = store::packets::newest(engine.db(), &waiting.id)
        .await
        .unwrap()
        .unwrap();
    let envelope = Envelope::parse(sealed.envelope.as_bytes()).unwrap();
    let statement = Statement::from_payload(envelope.open(log_key().public()).unwrap()).unwrap();
    let packet = statement.predicate();
    assert_eq!(
        packet["evidence"],
        "Of 12 pairs of workflow and route, 2 would be decided differently; so would 1 live route and no open change."
    );
    let live = &packet["review"]["live"][0];
    assert_eq!(
        (&live["workflow"], &live["after"]["determining"][0]),
        (&"support-answer".into(), &"no-mini".into())
    );
    assert!(
        PolicyParts::of(&engine.catalog().await.unwrap().1)
            .policy
            .rules
            .is_empty(),
        "not before it is approved"
    );

    lab.desk.approve("priya", &waiting).await.unwrap();
    lab.desk
        .approve("ana", &change(&lab, number).await)
        .await
        .unwrap();
    settle(&lab).await;
    let done = change(&lab, number).await;
    assert_eq!(
        done.state,
        State::Completed,
        "{:?} {:?}",
        done.ending,
        done.application
    );
    let (_, after) = engine.catalog().await.unwrap();
    assert_eq!(after.policy.rules, RULES);
    assert_eq!(
        after.policy.last_editor,
        Some(PersonId::from("maya")),
        "the requester counts as its editor"
    );

    let told = told(&lab).await;
    assert_eq!(told.len(), 2, "one by hand, one by the approved change: {told:?}");
    assert_eq!(
        told[1],
        ("maya".into(), serde_json::json!(["policy"]), number.0.into())
    );
}

/// Who put which parts of the catalog in force, and after which change, as the sealed ledger says.
async fn told(lab: &Lab) -> Vec<(serde_json::Value, serde_json::Value, serde_json::Value)> {
    let engine = &lab.desk.engine;
    let ledger = Ledger::new(engine.db().clone(), log_key().public().clone());
    let sealer = Sealer::new(engine.db().clone(), Arc::new(log_key()), "tests");
    sealer.seal_once(lab.desk.clock.now()).await.unwrap();
    let report = ledger.verify().await.unwrap();
    assert!(report.holds, "{:?}", report.fault);
    let mut told = Vec::new();
    for index in 0..report.entries {
        let entry: serde_json::Value = serde_json::from_slice(&ledger.entry(index).await.unwrap()).unwrap();
        if entry["event"]["kind"] == "catalog_applied" {
            let applied = &entry["event"];
            told.push((
                entry["actor"].clone(),
                applied["parts"].clone(),
                applied["change"].clone(),
            ));
        }
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_catalog_demands_an_approval_applying_another_policy_is_refused_with_the_way_to_propose_it()
{
    let lab = company().await;
    let engine = &lab.desk.engine;
    let (_, now) = engine.catalog().await.unwrap();
    let mut file = Catalog::clone(&now);
    file.policy.rules = RULES.to_owned();
    file.policy.change_needs_approval = false;
    let ana = Actor::Person(PersonId::from("ana"));
    let refused = engine.apply_catalog(&file, &ana).await.unwrap_err();
    assert!(
        matches!(&refused, ApplyError::NeedsApproval { parts } if parts == &["policy"]),
        "{refused}"
    );
    assert!(
        refused.to_string().contains("governor policy propose"),
        "{refused}"
    );
    let mut other = Catalog::clone(&now);
    other.company.finance_channel = "money".to_owned();
    engine.apply_catalog(&other, &ana).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_proposes_a_policy_may_not_agree_to_it_and_the_same_policy_cannot_be_proposed() {
    let lab = company().await;
    let engine = &lab.desk.engine;
    let (_, now) = engine.catalog().await.unwrap();
    let same = PolicyProposal {
        parts: PolicyParts::of(&now),
        ..proposal(&now, "ana")
    };
    assert!(matches!(
        engine.propose_policy(same).await,
        Err(HandleError::Invalid(_))
    ));
    let number = engine.propose_policy(proposal(&now, "ana")).await.unwrap().number;
    assert_eq!(
        engine.propose_policy(proposal(&now, "ana")).await.unwrap().number,
        number,
        "once for its key"
    );
    settle(&lab).await;
    let waiting = change(&lab, number).await;
    assert_eq!(waiting.state, State::AwaitingApproval, "{:?}", waiting.ending);
    assert!(lab.desk.approve("ana", &waiting).await.is_err());
    assert!(
        waiting
            .slots
            .iter()
            .all(|slot| !slot.eligible.contains(&PersonId::from("ana")))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_are_tried_and_proposed_over_http_and_a_slip_is_answered_with_line_and_column() {
    let web = web().await;
    let maya = web.token(TokenRole::Member, Some("maya")).await;
    let reader = web.token(TokenRole::Reader, None).await;
    let (status, matrix) = web.call(&reader, "GET", "/api/v1/policies/what-if", None).await;
    assert_eq!(status, 200, "{matrix}");
    assert!(matrix["cells"].as_array().unwrap().len() > 1);
    let wrong = serde_json::json!({"rules": "@id(\"a\")\nforbid (principal, action, resource) when { resource.retention > 1 };"});
    let (status, answer) = web
        .call(&reader, "POST", "/api/v1/policies/what-if", Some(wrong))
        .await;
    assert_eq!(
        (status.as_u16(), answer["type"].as_str()),
        (422, Some("/errors/bad-policy"))
    );
    let detail = answer["detail"].as_str().unwrap();
    assert!(
        detail.starts_with("rules:2:45: rule \"a\": attribute `retention`"),
        "{detail}"
    );
    assert!(detail.contains("did you mean \"retention_days\"?"), "{detail}");
    let rules = serde_json::json!({"rules": "@id(\"stop\") forbid (principal, action, resource);"});
    let (status, review) = web
        .call(&reader, "POST", "/api/v1/policies/what-if", Some(rules.clone()))
        .await;
    assert_eq!(status, 200, "{review}");
    assert!(
        review["warnings"][0]
            .as_str()
            .unwrap()
            .starts_with("The rule stop denies everything")
    );
    let (status, _) = web
        .call(&reader, "POST", "/api/v1/policies", Some(rules.clone()))
        .await;
    assert_eq!(status, 403);
    let (status, filed) = web.call(&maya, "POST", "/api/v1/policies", Some(rules)).await;
    assert_eq!(
        (status.as_u16(), filed["workflow"].as_str()),
        (201, Some("policy")),
        "{filed}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_policy_page_answers_for_each_pair_and_tries_rules_without_script() {
    let web = web().await;
    let mut ana = web.signed_in("ana").await;
    let page = ana.page("/policy").await;
    assert!(
        page.contains("Who may use what") && page.contains("Facts about vendors that end soon"),
        "{page}"
    );
    assert!(
        ana.page("/policy?workflow=nothing-like-it")
            .await
            .contains("Nothing passes this filter")
    );
    let stop = "@id(\"stop\") forbid (principal, action, resource);";
    let tried = ana.submit("/policy/try#rules", &page, &[("rules", stop)]).await;
    let tried = tried.text().await.unwrap();
    assert!(tried.contains("The rule stop denies everything"), "{tried}");
    let slip = ana
        .submit("/policy/try#rules", &page, &[("rules", "forbid what")])
        .await;
    assert_eq!(slip.status(), 422);
    let mut fields = hidden(&page);
    fields.extend([
        ("rules".to_owned(), stop.to_owned()),
        ("reason".to_owned(), "An exercise".to_owned()),
    ]);
    let filed = ana.post("/policy/propose", &fields).await;
    assert_eq!(filed.status(), 303);
    let there = filed.headers()["location"].to_str().unwrap().to_owned();
    assert!(ana.page(&there).await.contains("Change the policy itself"));
}

/// The page's secret and key, for the form that proposes.
fn hidden(page: &str) -> Vec<(String, String)> {
    let form = page.split("action=\"/policy/try#rules\"").nth(1).unwrap();
    let value = |name: &str| {
        let rest = form.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap();
        (name.to_owned(), rest.split('"').next().unwrap().to_owned())
    };
    vec![value("csrf"), value("key")]
}

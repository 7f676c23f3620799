//! Real services side by side: any of them takes a command, an upgrade goes one by one, a pooler may stand between.

use std::sync::Arc;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{
    clock::TestClock,
    db::{Fresh, Kind, fresh},
    pooler::pooler,
    replica::{Replica, set, start},
};
use workflow_engine::{
    change::{
        definitions::{Definition, Definitions},
        machine,
    },
    values::Actor,
};

static NEXT: [Definition; 2] = [version(1), version(2)];

const fn version(version: u32) -> Definition {
    Definition {
        version,
        decide: machine::decide,
        react: machine::react,
    }
}

/// The small company on that database, through this replica.
pub(super) async fn company(replica: &Replica) -> String {
    let tests = Actor::Service("tests".to_owned());
    let applied = replica
        .service
        .engine
        .apply_catalog(&tests::catalog::small(), &tests)
        .await;
    applied.unwrap();
    replica.token().await
}

pub(super) fn filing() -> Option<Value> {
    Some(json!({"workflow": "support-answer", "candidate": "gpt-4o-0806", "submit": true}))
}

pub(super) async fn postgres() -> Option<(Fresh, TestClock)> {
    Some((fresh(Kind::Postgres).await?, TestClock::default()))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_replica_has_taken_the_others_finish_when_it_is_killed() {
    let Some((database, clock)) = postgres().await else {
        return;
    };
    let first = Replica::start(start(&database, &clock)).await;
    let token = company(&first).await;
    let others = join_all((0..2).map(|_| Replica::start(start(&database, &clock)))).await;
    let filed = first.ask(&token, Method::POST, "/api/v1/changes", filing()).await;
    assert_eq!(filed.status, 201, "{filed:?}");
    // As `kill -9` would end it: nothing is released.
    drop(first);
    clock.advance(chrono::TimeDelta::seconds(31));
    let moved = |answer: &tests::replica::Answer| answer.body["state"] != "submitted";
    others[0].until(&token, "/api/v1/changes/1", moved).await;
    let events = others[1].get(&token, "/api/v1/changes/1").await.body["events"].clone();
    let admitted = events.as_array().unwrap().iter().filter(|event| {
        matches!(
            event["kind"].as_str(),
            Some("admitted" | "admission_refused" | "test_waived")
        )
    });
    assert_eq!(admitted.count(), 1, "{events}");
    for replica in others {
        replica.service.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_goes_one_by_one_and_the_older_program_keeps_its_hands_off_new_rules() {
    let Some((database, clock)) = postgres().await else {
        return;
    };
    let older = Replica::start(start(&database, &clock)).await;
    let token = company(&older).await;
    let mut next = start(&database, &clock);
    next.definitions = Definitions::new(&NEXT, 2).unwrap();
    let newer = Replica::start(next).await;
    let filed = newer.ask(&token, Method::POST, "/api/v1/changes", filing()).await;
    assert_eq!(filed.status, 201, "{filed:?}");

    let refused = older
        .ask(&token, Method::POST, "/api/v1/changes/1/withdraw", None)
        .await;
    assert_eq!(
        (refused.status.as_u16(), &refused.body["type"]),
        (409, &json!("/errors/frozen"))
    );
    let shown = older.get(&token, "/api/v1/changes/1").await;
    assert_eq!(shown.body["definition_version"], 2);
    assert_eq!(shown.body["frozen"], refused.body["detail"]);
    let ready = older.get("", "/health/ready").await;
    assert_eq!(
        (ready.status.as_u16(), &ready.body["definition_versions"]),
        (200, &json!([1, 1]))
    );
    if newer.get(&token, "/api/v1/changes/1").await.body["ending"].is_null() {
        assert_eq!(
            ready.body["frozen"],
            json!([{"change": 1, "definition_version": 2}])
        );
    }
    assert_eq!(newer.get("", "/health/ready").await.body["frozen"], json!([]));
    let page = older.open_page("/changes/1").await.text().await.unwrap();
    assert!(page.contains("follows version 2 of the rules"), "{page}");
    // The newer one goes on with it, whoever looks.
    let moved = |answer: &tests::replica::Answer| answer.body["state"] != "submitted";
    older.until(&token, "/api/v1/changes/1", moved).await;
    older.service.stop().await;
    newer.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_behind_a_pooler_that_lends_connections_by_the_transaction_record_every_command() {
    let Some((database, clock)) = postgres().await else {
        return;
    };
    let Some(pooler) = pooler(&database.url, 3) else {
        return;
    };
    let pooled = || {
        let mut settings = start(&database, &clock);
        set(&mut settings, |config| {
            config.database.url = pooler.through(&database.url);
            config.database.transaction_pooling = true;
            config.database.max_connections = 8;
        });
        settings
    };
    let replicas = join_all((0..2).map(|_| Replica::start(pooled()))).await;
    let token = Arc::new(company(&replicas[0]).await);
    let filed = join_all((0..24).map(|index| {
        let (replica, token) = (&replicas[index % 2], token.clone());
        async move {
            replica
                .ask(&token, Method::POST, "/api/v1/changes", filing())
                .await
        }
    }))
    .await;
    for answer in &filed {
        assert_eq!(answer.status, 201, "{answer:?}");
    }
    let said = join_all(filed.iter().enumerate().map(|(index, answer)| {
        let (replica, token) = (&replicas[(index + 1) % 2], token.clone());
        let path = format!("/api/v1/changes/{}/comments", answer.body["number"]);
        async move {
            replica
                .ask(&token, Method::POST, &path, Some(json!({"text": "seen"})))
                .await
        }
    }))
    .await;
    for answer in &said {
        assert!(answer.status.is_success(), "{answer:?}");
    }
    for replica in replicas {
        replica.service.stop().await;
    }
}

//! PostgreSQL lets nobody in any more: commands are answered 503 with Retry-After, and count once when there is room again.

use std::sync::Arc;

use axum::http::StatusCode;
use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use serde_json::{Value, json};
use tests::{
    db::Kind,
    desk::{Desk, desk},
    web::web_on,
};
use workflow_engine::{
    engine::Engine,
    store::{db::Db, tokens::TokenRole},
};

/// As many connections as the role may have.
const LIMIT: u32 = 4;

/// Takes every connection that is left, and closes those that others have, until they are all ours.
async fn take_all(desk: &Desk, role_url: &str, role: &str) -> Vec<DatabaseConnection> {
    let mut taken = Vec::new();
    while taken.len() < LIMIT as usize {
        let sql = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}' AND application_name <> 'hog'"
        );
        desk.engine
            .db()
            .for_migrations()
            .execute_unprepared(&sql)
            .await
            .unwrap();
        let one = sea_orm::ConnectOptions::new(format!("{role_url}?application_name=hog"))
            .max_connections(1)
            .acquire_timeout(std::time::Duration::from_secs(2))
            .to_owned();
        taken.extend(Database::connect(one).await.ok());
    }
    taken
}

#[tokio::test(flavor = "multi_thread")]
async fn no_connection_left_is_said_with_retry_after_and_nothing_is_lost() {
    let Some(desk) = desk(Kind::Postgres).await else {
        return;
    };
    let (role, role_url) = limited_role(&desk).await;
    let db = Db::open(&role_url, 2).await.unwrap();
    let engine = Engine::new(db, Arc::new(desk.clock.clone()));
    let few = Desk {
        engine,
        clock: desk.clock.clone(),
        fresh: tests::db::fresh(Kind::Sqlite).await.unwrap(),
    };
    let web = web_on(few, |_| {}).await;
    let maya = web.token(TokenRole::Member, Some("maya")).await;
    let file = || async {
        let new = json!({"workflow": "support-answer", "candidate": "gpt-4o-0806"});
        let request = web
            .request(&maya, "POST", "/api/v1/changes", Some(new))
            .header("idempotency-key", "one");
        let answer = request.send().await.unwrap();
        let wait = answer
            .headers()
            .get("retry-after")
            .map(|it| it.to_str().unwrap().to_owned());
        (answer.status(), wait, answer.json::<Value>().await.unwrap())
    };

    let taken = take_all(&desk, &role_url, &role).await;
    let (status, wait, body) = file().await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{body}");
    assert_eq!(wait.as_deref(), Some("5"));
    insta::assert_snapshot!(body["detail"].as_str().unwrap(), @"The database does not answer. Send it again soon, with the same Idempotency-Key: it is recorded once.");

    drop(taken);
    let (status, _, first) = file().await;
    assert!(status.is_success(), "{status} {first}");
    let (_, _, again) = file().await;
    assert_eq!(again["number"], first["number"]);
    let changes = workflow_engine::store::changes::newest(desk.engine.db(), None, 10)
        .await
        .unwrap();
    assert_eq!(changes.len(), 1);
}

/// A role that may do everything with the desk's tables, through few connections.
async fn limited_role(desk: &Desk) -> (String, String) {
    let mut url = url::Url::parse(&desk.fresh.url).unwrap();
    let role = format!("few_{}", url.path().trim_start_matches('/'));
    let admin = desk.engine.db().for_migrations();
    for sql in [
        format!("CREATE ROLE {role} LOGIN PASSWORD 'few' CONNECTION LIMIT {LIMIT}"),
        format!("GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}"),
        format!("GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {role}"),
    ] {
        admin.execute_unprepared(&sql).await.unwrap();
    }
    url.set_username(&role).unwrap();
    url.set_password(Some("few")).unwrap();
    (role, url.to_string())
}

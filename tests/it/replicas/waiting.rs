//! Waiting costs nothing: a restart with ten thousand requests that wait for people.

use std::time::Instant;

use reqwest::Method;
use sea_orm::ConnectionTrait;
use tests::replica::{Replica, start};

use super::services::{company, filing, postgres};

/// Change 1 ten thousand times over, each waiting for its approvers with a reminder and a deadline.
const WAITING: [&str; 2] = [
    "INSERT INTO change (id, number, workflow, requester, definition, definition_version, state, version, revision, event_n,
       head_hash, deadline_at, filed_at, updated_at, body)
     SELECT 'waiting-' || n, 1 + n, workflow, requester, definition, definition_version, 'awaiting_approval', version,
       revision, event_n, head_hash, 4102444800000, filed_at, updated_at, body
     FROM change, generate_series(1, 10000) AS n WHERE number = 1",
    "INSERT INTO job (id, change_id, event_n, kind, dedup, payload, due_at, max_attempts, created_at)
     SELECT kind || n, 'waiting-' || n, 1, kind, kind || n, '{}', 4102444800000, 12, 0
     FROM generate_series(1, 10000) AS n, unnest(ARRAY['remind', 'expire']) AS kind",
];

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_waiting_requests_are_rows_that_a_restart_does_not_touch() {
    let Some((database, clock)) = postgres().await else {
        return;
    };
    let before = Replica::start(start(&database, &clock)).await;
    let token = company(&before).await;
    before
        .ask(&token, Method::POST, "/api/v1/changes", filing())
        .await;
    for sql in WAITING {
        let done = before
            .service
            .engine
            .db()
            .for_migrations()
            .execute_unprepared(sql)
            .await;
        done.unwrap();
    }
    before.service.stop().await;

    let begun = Instant::now();
    let after = Replica::start(start(&database, &clock)).await;
    let ready = after.get("", "/health/ready").await;
    println!(
        "ready {} ms after its start, 10,000 requests and 20,000 timers waiting",
        begun.elapsed().as_millis()
    );
    assert_eq!(ready.status, 200);
    let db = after.service.engine.db().reads().clone();
    after.service.stop().await;
    let touched = "SELECT count(*) AS n FROM job WHERE kind IN ('remind', 'expire') AND attempts > 0";
    let row = db
        .query_one_raw(sea_orm::Statement::from_string(
            db.get_database_backend(),
            touched,
        ))
        .await;
    assert_eq!(row.unwrap().unwrap().try_get::<i64>("", "n").unwrap(), 0);
}

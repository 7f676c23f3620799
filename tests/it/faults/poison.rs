//! The poisoned pool: callers that cancel `begin()` must not cost others what was acknowledged (sqlx #4385).

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, Statement};
use tests::db::{BOTH, fresh, open};
use workflow_engine::{
    store::{self, commit::JobRow, db::Db, error::StoreError},
    values::JobId,
};

use super::{long, polled};

/// Lanes that share six connections.
const LANES: usize = 8;

fn row(name: &str) -> JobRow {
    JobRow {
        id: JobId(name.to_owned()),
        event_n: 0,
        kind: "poison",
        lane: None,
        dedup: Some(name.to_owned()),
        payload: "{}".to_owned(),
        due_at: i64::MAX,
        max_attempts: 1,
    }
}

/// A transaction of its own.
async fn unit(db: &Db, name: String) -> Result<(), StoreError> {
    db.write(move |tx| {
        Box::pin(async move {
            let sql = "INSERT INTO job (id, kind, dedup, payload, due_at, max_attempts, created_at)
                       VALUES ($1, 'poison', $1, '{}', 9000000000000, 1, 0)";
            tx.execute_raw(Statement::from_sql_and_values(
                tx.get_database_backend(),
                sql,
                [name.into()],
            ))
            .await?;
            Ok(())
        })
    })
    .await
}

/// One lane: a cancelled unit, then a write that is waited for; answers the names of what was acknowledged.
async fn lane(db: Db, lane: usize, tries: usize) -> (Vec<String>, usize) {
    let (mut acknowledged, mut cancelled) = (Vec::new(), 0);
    for n in 0..tries {
        let gone = polled(unit(&db, format!("gone {lane} {n}")), n % 6).await;
        cancelled += usize::from(gone.is_none());
        let name = format!("kept {lane} {n}");
        let written = if n % 2 == 0 {
            unit(&db, name.clone()).await.is_ok()
        } else {
            store::queue::enqueue(&db, row(&name), 0).await.is_ok()
        };
        if written {
            acknowledged.push(name);
        }
    }
    (acknowledged, cancelled)
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_cancelled_transactions_lose_no_acknowledged_write() {
    for kind in BOTH {
        let Some(fresh) = fresh(kind).await else {
            continue;
        };
        drop(open(&fresh).await);
        let db = reopened(&fresh.url).await;
        let tries = if long() { 5_000 } else { 400 };
        let lanes: Vec<_> = (0..LANES)
            .map(|n| tokio::spawn(lane(db.clone(), n, tries)))
            .collect();
        let (mut acknowledged, mut cancelled) = (BTreeSet::new(), 0);
        for lane in lanes {
            let (names, gone) = lane.await.unwrap();
            acknowledged.extend(names);
            cancelled += gone;
        }
        drop(db);
        let db = reopened(&fresh.url).await;
        let sql = "SELECT dedup FROM job WHERE kind = 'poison'";
        let backend = db.reads().get_database_backend();
        let rows = db
            .reads()
            .query_all_raw(Statement::from_string(backend, sql))
            .await
            .unwrap();
        let there: BTreeSet<String> = rows.iter().map(|row| row.try_get("", "dedup").unwrap()).collect();
        let lost = acknowledged.difference(&there).count();
        println!(
            "poison on {kind:?}: {} tries, {cancelled} cancelled, {} writes acknowledged, {lost} lost",
            LANES * tries,
            acknowledged.len()
        );
        assert_eq!(lost, 0);
        assert!(acknowledged.len() == LANES * tries && cancelled > LANES * tries / 3);
    }
}

/// With few connections, so that everybody gets those that others left; some stay out of the pool, as in the product. On SQLite the last owner must be gone first.
async fn reopened(url: &str) -> Db {
    for _ in 0..200 {
        if let Ok(db) = Db::open(url, 6).await {
            return db;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the database was not given up")
}

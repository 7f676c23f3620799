//! Power loss on SQLite: the files, copied in the middle of writing, hold everything that was acknowledged before.

use std::sync::{Arc, Mutex};

use sea_orm::{ConnectionTrait, Database, DbBackend, Statement};
use tests::{
    db::Kind,
    desk::{desk, filing, log_key},
};
use tokio_util::sync::CancellationToken;
use workflow_engine::{
    engine::ledger::Ledger,
    ports::clock::Clock,
    store::{self, db::Db},
};

use crate::sealing::sealer;

/// Files and withdraws without a pause; keys of what was acknowledged.
async fn load(
    engine: workflow_engine::engine::Engine,
    lane: usize,
    kept: Arc<Mutex<Vec<String>>>,
    stop: CancellationToken,
) {
    let mut n = 0;
    while !stop.is_cancelled() {
        let key = format!("lane {lane} {n}");
        engine.file(filing(&key)).await.unwrap();
        kept.lock().unwrap().push(key);
        n += 1;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_taken_at_any_moment_holds_what_was_acknowledged_before() {
    let desk = desk(Kind::Sqlite).await.unwrap();
    let file = desk.fresh.folder.path().join("governor.db");
    let kept = Arc::<Mutex<Vec<String>>>::default();
    let stop = CancellationToken::new();
    let lanes: Vec<_> = (0..4)
        .map(|lane| tokio::spawn(load(desk.engine.clone(), lane, kept.clone(), stop.clone())))
        .collect();
    // A reader keeps the log from being begun anew between the two copies; the writing goes on.
    let beside = Database::connect(&desk.fresh.url).await.unwrap();
    let mut copies = Vec::new();
    for copy in 0..10 {
        desk.clock.advance(chrono::Duration::milliseconds(7));
        sealer(&desk, "one").seal_once(desk.clock.now()).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(20 + copy * 7)).await;
        let to = desk.fresh.folder.path().join(format!("copy{copy}.db"));
        let reading = sea_orm::TransactionTrait::begin(&beside).await.unwrap();
        let count = Statement::from_string(DbBackend::Sqlite, "SELECT count(*) FROM change");
        reading.query_one_raw(count).await.unwrap();
        let before = kept.lock().unwrap().clone();
        std::fs::copy(&file, &to).unwrap();
        std::fs::copy(file.with_extension("db-wal"), to.with_extension("db-wal")).unwrap();
        reading.rollback().await.unwrap();
        copies.push((to, before));
    }
    stop.cancel();
    for lane in lanes {
        lane.await.unwrap();
    }
    let mut commands = 0;
    for (copy, before) in copies {
        commands += before.len();
        holds(&copy, &before).await;
    }
    println!(
        "power loss: 10 copies under load, {commands} acknowledged commands looked for, 0 lost, every ledger verifies"
    );
}

async fn holds(copy: &std::path::Path, before: &[String]) {
    let db = Db::open(&format!("sqlite://{}", copy.display()), 2)
        .await
        .unwrap();
    for key in before {
        assert!(
            store::changes::answered(&db, key).await.unwrap().is_some(),
            "{key} is not in {}",
            copy.display()
        );
    }
    let report = Ledger::new(db.clone(), log_key().public().clone())
        .verify()
        .await
        .unwrap();
    assert_eq!(report.fault, None, "{}", copy.display());
    let check = Statement::from_string(DbBackend::Sqlite, "PRAGMA integrity_check");
    let found = db.reads().query_one_raw(check).await.unwrap().unwrap();
    assert_eq!(found.try_get::<String>("", "integrity_check").unwrap(), "ok");
}

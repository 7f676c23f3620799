//! Racing repeats: the same key from sixteen at once, over two engines on PostgreSQL and one on SQLite.

use std::sync::Arc;

use tests::{
    db::{BOTH, Kind},
    desk::{desk, filing},
};
use workflow_engine::{
    change::command::Command,
    engine::{Engine, HandleError, Outcome, Request},
    store::{self, db::Db},
    values::{Actor, ChangeNumber, PersonId},
};

use super::{long, the_ledger_holds};

const RACERS: usize = 16;

fn comment(engine: &Engine, number: ChangeNumber, key: &str, words: &str) -> Request {
    let note = engine.note(words);
    Request {
        actor: Actor::Person(PersonId::from("ana")),
        key: key.to_owned(),
        change: number,
        command: Command::Comment {
            note: note.reference.clone(),
        },
        notes: vec![note],
        completes: None,
    }
}

/// How many of the answers are the first one; the others must be repeats of it.
fn firsts(answers: &[Result<Outcome, HandleError>]) -> usize {
    let made: Vec<&Outcome> = answers.iter().map(|answer| answer.as_ref().unwrap()).collect();
    assert!(
        made.iter()
            .all(|outcome| outcome.version == made[0].version && outcome.number == made[0].number)
    );
    made.iter().filter(|outcome| !outcome.repeated).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_repeats_at_once_of_a_hundred_keys_count_once_each() {
    for kind in BOTH {
        let Some(desk) = desk(kind).await else {
            continue;
        };
        let mut engines = vec![desk.engine.clone()];
        if kind == Kind::Postgres {
            let other = Db::open(&desk.fresh.url, 16).await.unwrap();
            engines.push(Engine::new(other, Arc::new(desk.clock.clone())));
        }
        let number = desk.file("one").await.unwrap().number;
        let keys = if long() { 1_000 } else { 100 };
        for key in (0..keys).map(|n| format!("key {n}")) {
            let racing = (0..RACERS).map(|racer| {
                let engine = engines[racer % engines.len()].clone();
                let request = comment(&engine, number, &key, "the same words");
                tokio::spawn(async move { engine.handle(request).await })
            });
            assert_eq!(firsts(&finish(racing.collect()).await), 1, "{key}");
            let other = desk
                .engine
                .handle(comment(&desk.engine, number, &key, "other words"))
                .await;
            assert!(
                matches!(other, Err(HandleError::KeyReused(_))),
                "{key}: {other:?}"
            );
        }
        for key in (0..keys / 5).map(|n| format!("file {n}")) {
            let racing = (0..RACERS).map(|racer| {
                let (engine, filing) = (engines[racer % engines.len()].clone(), filing(&key));
                tokio::spawn(async move { engine.file(filing).await })
            });
            assert_eq!(firsts(&finish(racing.collect()).await), 1, "{key}");
        }
        let change = desk.change(number).await;
        let events = store::changes::events(desk.engine.db(), change.id.as_str())
            .await
            .unwrap();
        assert_eq!(
            events.iter().filter(|event| event.kind == "commented").count(),
            keys
        );
        let newest = store::changes::newest(desk.engine.db(), None, 500).await.unwrap();
        assert_eq!(newest.len(), 1 + keys / 5);
        println!(
            "dup on {kind:?}: {RACERS} racers, {} keys, each counted once",
            keys + keys / 5
        );
        the_ledger_holds(&desk).await;
    }
}

async fn finish<T>(racing: Vec<tokio::task::JoinHandle<T>>) -> Vec<T> {
    let mut answers = Vec::new();
    for task in racing {
        answers.push(task.await.unwrap());
    }
    answers
}

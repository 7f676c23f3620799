//! Every guard of the store left out once: the soak's checker must notice, and must have nothing to say with the guard in place.
//!
//! On PostgreSQL a guard is taken out of the statement on its way to the server, or out of the schema, so the product has
//! no switch for it. SQLite has no wire; what its writer leaves out is `LeftOut`, which a release build does not have.
#![cfg(debug_assertions)]

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use sea_orm::{ConnectionTrait, TransactionTrait};
use tests::{
    catalog,
    clock::TestClock,
    db::{Fresh, Kind, fresh, leases_run_out, open},
    desk::{Desk, filing},
    proxy::Proxy,
    soak::{
        checker::check,
        collect::collect,
        facts::{Answer, Sent},
    },
};
use workflow_engine::{
    change::command::Command,
    engine::{Engine, HandleError, Note, Outcome, Request},
    store::{self, db::Db, error::StoreError, queue::Wanted, writer::LeftOut},
    values::{Actor, ChangeNumber, Digest, PersonId},
};

use crate::faults::polled;

type Answered = Result<Outcome, HandleError>;

/// A migrated database of `kind` and the company's engine on `db`.
async fn desk_on(fresh: Fresh, db: Db) -> Desk {
    let clock = TestClock::default();
    let engine = Engine::new(db, Arc::new(clock.clone()));
    let tests = Actor::Service("tests".to_owned());
    engine.apply_catalog(&catalog::small(), &tests).await.unwrap();
    Desk { engine, clock, fresh }
}

/// A desk on PostgreSQL whose statements lose `guard` on their way; an empty one takes nothing out.
async fn without(guard: &'static str, instead: &'static str) -> Option<(Desk, Proxy)> {
    let fresh = fresh(Kind::Postgres).await?;
    drop(open(&fresh).await);
    let proxy = Proxy::rewriting(&fresh.url, guard, instead).await;
    let db = Db::open(&proxy.url, 16).await.unwrap();
    Some((desk_on(fresh, db).await, proxy))
}

/// What the sender of a command notes down.
fn noted(key: &str, result: &Answered) -> Sent {
    let answer = match result {
        Ok(outcome) => Answer::Recorded {
            number: outcome.number.0,
            events: Some(outcome.events.clone()),
        },
        Err(HandleError::Busy | HandleError::Store(StoreError::Unavailable(_) | StoreError::Contended)) => {
            Answer::Lost
        }
        Err(HandleError::Store(error)) => Answer::Failed(error.to_string()),
        Err(refused) => Answer::Refused(refused.to_string()),
    };
    Sent {
        key: key.to_owned(),
        what: "command",
        answers: vec![answer],
    }
}

/// The rules that do not hold after `sent`, read past any proxy.
async fn broken(fresh: &Fresh, sent: Vec<Sent>) -> BTreeSet<&'static str> {
    let db = Db::open_for_reading(&fresh.url, 2).await.unwrap();
    let mut facts = collect(&db).await.unwrap();
    facts.sent = sent;
    check(&facts)
        .into_iter()
        .map(|violation| violation.rule)
        .collect()
}

/// Runs SQL on the test's own database.
async fn alter(fresh: &Fresh, sql: &str) {
    let db = Db::open_beside(&fresh.url).await.unwrap();
    db.for_migrations().execute_unprepared(sql).await.unwrap();
}

async fn comment(engine: &Engine, number: ChangeNumber, key: &str, note: Note) -> Answered {
    let request = Request {
        actor: Actor::Person(PersonId::from("ana")),
        key: key.to_owned(),
        change: number,
        command: Command::Comment {
            note: note.reference.clone(),
        },
        notes: vec![note],
        completes: None,
    };
    engine.handle(request).await
}

/// Twelve comments at once, round after round.
async fn racing_comments(desk: &Desk, rounds: usize) -> Vec<Sent> {
    let number = desk.file("filed").await.unwrap().number;
    let mut sent = Vec::new();
    for round in 0..rounds {
        let racing = (0..12).map(|lane| {
            let (engine, key) = (desk.engine.clone(), format!("comment-{round}-{lane}"));
            async move {
                let note = engine.note("At the same moment.");
                let result = comment(&engine, number, &key, note).await;
                noted(&key, &result)
            }
        });
        sent.extend(futures_util::future::join_all(racing).await);
    }
    sent
}

const VERSION: (&str, &str) = (
    "AND change.version = x.version AND change.head_hash = x.prev",
    "AND x.version IS NOT NULL",
);

#[tokio::test(flavor = "multi_thread")]
async fn the_version_guard() {
    let (inside, gap) = (
        "no command fails inside",
        "events are numbered without a gap, and counted",
    );
    let Some((desk, _proxy)) = without("", "").await else {
        return;
    };
    let sent = racing_comments(&desk, 3).await;
    let rules = broken(&desk.fresh, sent).await;
    assert!(!rules.contains(inside) && !rules.contains(gap), "{rules:?}");

    // Behind it stands the unique index of events: whoever lost the race is told of an inner error.
    let Some((desk, proxy)) = without(VERSION.0, VERSION.1).await else {
        return;
    };
    let sent = racing_comments(&desk, 3).await;
    assert!(proxy.rewritten() > 0, "the guard has other words now");
    assert!(broken(&desk.fresh, sent).await.contains(inside));

    // Without that as well, two events have one number.
    let Some((desk, _proxy)) = without(VERSION.0, VERSION.1).await else {
        return;
    };
    alter(
        &desk.fresh,
        "ALTER TABLE event DROP CONSTRAINT event_change_id_n_key",
    )
    .await;
    let sent = racing_comments(&desk, 3).await;
    assert!(broken(&desk.fresh, sent).await.contains(gap));
}

/// The same filing, sent by eight at once.
async fn racing_filings(desk: &Desk) -> Vec<Sent> {
    let mut sent = Vec::new();
    for round in 0..5 {
        let key = format!("filing-{round}");
        let racing = (0..8).map(|_| desk.engine.file(filing(&key)));
        let answers = futures_util::future::join_all(racing).await;
        sent.extend(answers.iter().map(|answer| noted(&key, answer)));
    }
    sent
}

#[tokio::test(flavor = "multi_thread")]
async fn the_unique_index_of_keys() {
    let rule = "no key appears twice";
    let Some((desk, _proxy)) = without("", "").await else {
        return;
    };
    let sent = racing_filings(&desk).await;
    assert!(!broken(&desk.fresh, sent).await.contains(rule));

    // Without the index PostgreSQL does not take a statement that names it.
    let Some((desk, proxy)) = without("ON CONFLICT (key) DO NOTHING", "").await else {
        return;
    };
    alter(&desk.fresh, "ALTER TABLE command DROP CONSTRAINT command_pkey").await;
    let sent = racing_filings(&desk).await;
    assert!(proxy.rewritten() > 0, "the guard has other words now");
    assert!(broken(&desk.fresh, sent).await.contains(rule));
}

/// A worker that lost its claim to another comes back with its result.
async fn a_late_result(desk: &Desk) -> Answered {
    let number = desk.file("filed").await.unwrap().number;
    let wanted = Wanted {
        kinds: vec!["check_admission".to_owned()],
        definitions: desk.engine.definitions().range(),
    };
    let claim = async || {
        let now = workflow_engine::ports::clock::Clock::now(&desk.clock).timestamp_millis();
        store::claims::claim(desk.engine.db(), &wanted, 1, now, 30_000)
            .await
            .unwrap()
            .remove(0)
    };
    let frozen = claim().await;
    leases_run_out(desk.engine.db()).await;
    let other = claim().await;
    assert_eq!(
        (&other.ticket.id, other.ticket.token),
        (&frozen.ticket.id, frozen.ticket.token + 1)
    );
    desk.engine
        .handle(Request {
            actor: Actor::Service("check_admission".to_owned()),
            key: frozen.key(),
            change: number,
            command: Command::Admit {
                decision: Digest::of(b"late"),
            },
            notes: Vec::new(),
            completes: Some(frozen.ticket.clone()),
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_check() {
    let rule = "a job's result is that of its last claim, once";
    let Some((desk, _proxy)) = without("", "").await else {
        return;
    };
    let result = a_late_result(&desk).await;
    assert!(matches!(result, Err(HandleError::ClaimLost)), "{result:?}");
    assert!(!broken(&desk.fresh, Vec::new()).await.contains(rule));

    let Some((desk, proxy)) = without("AND claim.token = x.token", "AND x.token IS NOT NULL").await else {
        return;
    };
    let result = a_late_result(&desk).await;
    assert!(proxy.rewritten() > 0, "the guard has other words now");
    assert!(result.is_ok(), "{result:?}");
    assert!(broken(&desk.fresh, Vec::new()).await.contains(rule));
}

/// Callers that go away at the first, second, … point at which their transaction waits to begin, on every connection of
/// the pool; then filings on what they left behind.
async fn after_cancelled_begins(desk: &Desk, url: &str) -> Vec<Sent> {
    const ALL: usize = 8;
    let mut sent = Vec::new();
    for point in 1..=4 {
        let db = Db::open(url, ALL as u32).await.unwrap();
        // Every connection is there before anybody begins on one.
        let all = (0..ALL).map(|_| db.reads().execute_unprepared("SELECT pg_sleep(0.05)"));
        futures_util::future::join_all(all).await;
        for _ in 0..ALL {
            drop(polled(db.reads().begin(), point).await);
        }
        let engine = Engine::new(db, Arc::new(desk.clock.clone()));
        for step in 0..4 {
            let key = format!("filing-{point}-{step}");
            sent.push(noted(&key, &engine.file(filing(&key)).await));
        }
    }
    sent
}

#[tokio::test(flavor = "multi_thread")]
async fn the_roll_back_on_release() {
    let rule = "every acknowledged command is in the ledger exactly once";
    let Some((desk, proxy)) = without("", "").await else {
        return;
    };
    let sent = after_cancelled_begins(&desk, &proxy.url).await;
    assert!(!broken(&desk.fresh, sent).await.contains(rule));

    let Some((desk, proxy)) = without("ROLLBACK", "SELECT 1").await else {
        return;
    };
    let sent = after_cancelled_begins(&desk, &proxy.url).await;
    assert!(proxy.rewritten() > 0, "the guard has other words now");
    assert!(broken(&desk.fresh, sent).await.contains(rule));
}

/// A desk on SQLite whose writer leaves out a guard.
async fn leaving_out(left_out: LeftOut) -> Desk {
    let fresh = fresh(Kind::Sqlite).await.unwrap();
    drop(open(&fresh).await);
    let db = Db::open_leaving_out(&fresh.url, left_out).await.unwrap();
    desk_on(fresh, db).await
}

/// The second comment brings a text that is there already: its unit fails after it has written its event.
async fn a_unit_that_fails_late(desk: &Desk) -> Vec<Sent> {
    let number = desk.file("filed").await.unwrap().number;
    let note = desk.engine.note("Twice the same row.");
    let mut sent = Vec::new();
    for key in ["first", "second"] {
        sent.push(noted(
            key,
            &comment(&desk.engine, number, key, note.clone()).await,
        ));
    }
    assert!(matches!(sent[1].answers[..], [Answer::Failed(_)]), "{sent:?}");
    sent
}

#[tokio::test(flavor = "multi_thread")]
async fn the_savepoint() {
    let rule = "a refused command is not in the ledger";
    let desk = leaving_out(LeftOut::default()).await;
    let sent = a_unit_that_fails_late(&desk).await;
    assert!(!broken(&desk.fresh, sent).await.contains(rule));

    let desk = leaving_out(LeftOut {
        savepoints: true,
        ..LeftOut::default()
    })
    .await;
    let sent = a_unit_that_fails_late(&desk).await;
    assert!(broken(&desk.fresh, sent).await.contains(rule));
}

/// A process that ends with the first acknowledgement it gives: eight file at once, and nothing runs on once one of them
/// has its answer.
fn ends_with_its_first_answer(left_out: LeftOut) -> (Fresh, Vec<Sent>) {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let sent = Arc::new(Mutex::new(Vec::new()));
    let setup = runtime();
    let desk = setup.block_on(leaving_out(LeftOut::default()));
    let (url, clock) = (desk.fresh.url.clone(), desk.clock.clone());
    drop(setup);
    runtime().block_on(async {
        let db = Db::open_leaving_out(&url, left_out).await.unwrap();
        let engine = Engine::new(db, Arc::new(clock));
        let heard = Arc::new(tokio::sync::Notify::new());
        for lane in 0..8 {
            let (engine, sent, heard) = (engine.clone(), sent.clone(), heard.clone());
            tokio::spawn(async move {
                let key = format!("filing-{lane}");
                let answer = engine.file(filing(&key)).await;
                sent.lock().unwrap().push(noted(&key, &answer));
                heard.notify_one();
            });
        }
        heard.notified().await;
    });
    let sent = sent.lock().unwrap().clone();
    (desk.fresh, sent)
}

#[test]
fn the_answer_after_the_commit() {
    let rule = "every acknowledged command is in the ledger exactly once";
    let look = |left_out| {
        let (fresh, sent) = ends_with_its_first_answer(left_out);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(broken(&fresh, sent))
    };
    assert!(!look(LeftOut::default()).contains(rule));
    assert!(
        look(LeftOut {
            answer_after_commit: true,
            ..LeftOut::default()
        })
        .contains(rule)
    );
}

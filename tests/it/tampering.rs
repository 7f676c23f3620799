//! Everything that somebody with full access to the database can change, and the sentence that gives it away.

use sea_orm::{ConnectionTrait, Statement, Value};
use sha2::{Digest, Sha256};
use tests::db::BOTH;
use workflow_engine::{
    engine::seal::SealError,
    ledger::{merkle::leaf_hash, tiles::Edge},
    ports::clock::Clock,
    store::db::Db,
};

use crate::sealing::{audit, ledger, sealed_desk, sealed_desks, sealer};

/// What is done; in SQL; what the audit says.
const DEEDS: &str = "\
the event is deleted | DELETE FROM event WHERE seq = (SELECT event_seq FROM ledger WHERE pos = 3) | entry #3 is sealed, but its event (seq
the event is replaced | UPDATE event SET body = prev_hash WHERE seq = (SELECT event_seq FROM ledger WHERE pos = 9) | entry #9: the text of event 3 of change
the row is deleted | DELETE FROM ledger WHERE pos = 3 | entry #3 is missing from table ledger; the next one is #4
a row is added | INSERT INTO ledger (pos, event_seq, leaf, chain) SELECT 14, -7, leaf, chain FROM ledger WHERE pos = 3 | entry #14 is sealed, but its event (seq -7) is gone
an event is slipped in | INSERT INTO event (change_id, n, kind, actor, command_key, at, body, prev_hash, hash) SELECT change_id, 8, kind, actor, command_key, at, body, prev_hash, hash FROM event WHERE seq = (SELECT event_seq FROM ledger WHERE pos = 6) | event 8 of change
the row points elsewhere | UPDATE ledger SET event_seq = -1 WHERE pos = 3 | entry #3 is sealed, but its event
the end is cut off | DELETE FROM ledger WHERE pos >= 10 | the checkpoint of 14 entries was signed, but the ledger ends after 10; its end was cut off
a checkpoint is deleted | DELETE FROM checkpoint WHERE size = 7 | a checkpoint before that of 14 entries is gone, or its prev_root was changed
the newest checkpoint is deleted | DELETE FROM checkpoint WHERE size = 14 | the newest checkpoint, of 14 entries, is gone
a signature is deleted | UPDATE checkpoint SET signature = NULL WHERE size = 7 | the checkpoint of 7 entries has lost its signature
the head is set back | UPDATE ledger_head SET size = 13 | the head says 13 entries where 14 are stored, or another root
a tile is deleted | DELETE FROM ledger_tile | tile/0/000.p/14: digest 0 is not what the entries give
the change is turned back | UPDATE change SET event_n = 6 WHERE number = 1 | change #1 does not end with its last event; events or its row were changed
the change is approved by hand | UPDATE change SET state = 'approved' WHERE number = 1 | change #1 is not what its events make of it; its row was changed
a vote is added by hand | UPDATE change SET body = replace(body, 'ana', 'eve') WHERE number = 1 | change #1 is not what its events make of it; its row was changed
the list shows another actor | UPDATE event SET actor = 'eve' WHERE seq = (SELECT event_seq FROM ledger WHERE pos = 9) | its kind, actor or time stands differently in a column beside its text
the list shows another time | UPDATE event SET at = at - 1 WHERE seq = (SELECT event_seq FROM ledger WHERE pos = 9) | its kind, actor or time stands differently in a column beside its text
the change is deleted | DELETE FROM change WHERE number = 1 | there are events of 2 changes, but 1 changes; a row was removed
the packet is deleted | DELETE FROM packet WHERE revision = 1 | was sealed, but is gone from table packet";

/// Table; column; byte of which the lowest bit is flipped; row; the entry named; what the audit says.
const FLIPS: &str = "\
event | body | 20 | seq = (SELECT event_seq FROM ledger WHERE pos = 9) | 9 | the text of event 3 of change
event | hash | 5 | seq = (SELECT event_seq FROM ledger WHERE pos = 9) | 9 | a hash beside the text of event 3
event | prev_hash | 5 | seq = (SELECT event_seq FROM ledger WHERE pos = 9) | 9 | a hash beside the text of event 3
ledger | leaf | 0 | pos = 9 | 9 | entry #9: the sealed digest is not that of event 3
ledger | chain | 0 | pos = 9 | 9 | entry #9: the running digest in table ledger was changed
ledger_tile | bytes | 288 | level = 0 | 9 | tile/0/000.p/14: digest 9 is not what the entries give
checkpoint | root | 3 | size = 7 | 6 | the root of the checkpoint of 7 entries was changed
checkpoint | prev_root | 3 | size = 14 | 13 | a checkpoint before that of 14 entries is gone
ledger_head | root | 3 | id = 1 | 14 | or another root
change | head_hash | 3 | number = 1 | none | change #1 does not end with its last event";

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_done_to_the_rows_is_found_and_named() {
    for deed in DEEDS.lines() {
        let [what, sql, sentence] = deed.split(" | ").collect::<Vec<_>>()[..] else {
            panic!("{deed}")
        };
        for kind in BOTH {
            let Some(desk) = sealed_desk(kind, 2).await else {
                continue;
            };
            tamper(desk.engine.db(), sql, vec![]).await;
            let fault = audit(desk.engine.db()).await.fault;
            let said = fault.map(|fault| fault.what).unwrap_or_default();
            assert!(said.contains(sentence), "{kind:?}, {what}: {said}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_changed_places_are_found_at_the_first_of_them() {
    // From place to place, by way of one that is free.
    let swapped: &[(i64, i64)] = &[(3, -3), (4, 3), (-3, 4)];
    let reordered: &[(i64, i64)] = &[(2, -2), (3, 2), (4, 3), (-2, 4)];
    for (moves, first) in [(swapped, 3), (reordered, 2)] {
        for desk in sealed_desks(2).await {
            for (from, to) in moves {
                let sql = format!("UPDATE ledger SET pos = {to} WHERE pos = {from}");
                tamper(desk.engine.db(), &sql, vec![]).await;
            }
            let fault = audit(desk.engine.db()).await.fault.unwrap();
            assert!(
                fault
                    .what
                    .contains("the running digest in table ledger was changed"),
                "{}",
                fault.what
            );
            assert_eq!(fault.index, Some(first));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_flipped_bit_in_any_table_is_found_and_named() {
    for flipped in FLIPS.lines() {
        let [table, column, at, row, index, sentence] = flipped.split(" | ").collect::<Vec<_>>()[..] else {
            panic!("{flipped}")
        };
        for kind in BOTH {
            let Some(desk) = sealed_desk(kind, 2).await else {
                continue;
            };
            flip(desk.engine.db(), table, column, at.parse().unwrap(), row).await;
            let fault = audit(desk.engine.db()).await.fault.unwrap();
            assert!(
                fault.what.contains(sentence),
                "{kind:?}, {table}.{column}: {}",
                fault.what
            );
            assert_eq!(fault.index, index.parse().ok(), "{table}.{column}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_signature_or_packet_is_found() {
    for desk in sealed_desks(2).await {
        let db = desk.engine.db();
        let note = ledger(&desk).checkpoint().await.unwrap().unwrap();
        let mut forged = note.clone();
        forged.signatures[0].bytes[9] ^= 1;
        tamper(
            db,
            "UPDATE checkpoint SET signature = $1 WHERE size = 14",
            vec![forged.to_text().into()],
        )
        .await;
        let said = audit(db).await.fault.unwrap().what;
        assert!(
            said.contains("the checkpoint of 14 entries: the signature by key governor.test/ledger"),
            "{said}"
        );
        tamper(
            db,
            "UPDATE checkpoint SET signature = $1 WHERE size = 14",
            vec![note.to_text().into()],
        )
        .await;

        let envelope = "UPDATE packet SET envelope = replace(envelope, 'payload\":\"eyJ', 'payload\":\"eyI')";
        tamper(db, envelope, vec![]).await;
        let said = audit(db).await.fault.unwrap().what;
        assert!(
            said.contains("is not as it was sealed: no signature on the packet is by the key"),
            "{said}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_hidden_from_the_sealer_is_found() {
    for desk in sealed_desks(1).await {
        desk.file("late").await.unwrap();
        assert_eq!(audit(desk.engine.db()).await.fault, None);
        tamper(desk.engine.db(), "DELETE FROM ledger_pending", vec![]).await;
        let said = audit(desk.engine.db()).await.fault.unwrap().what;
        assert!(said.contains("is neither sealed nor waiting to be"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_was_changed_is_not_the_one_committed_to() {
    for desk in sealed_desks(0).await {
        let note = desk.engine.note("too expensive in December");
        let mut filing = tests::desk::filing("with a reason");
        filing.reason = Some(note);
        desk.engine.file(filing).await.unwrap();
        sealer(&desk, "one").seal_once(desk.clock.now()).await.unwrap();
        let report = audit(desk.engine.db()).await;
        assert_eq!((report.fault, report.notes), (None, 1));

        tamper(
            desk.engine.db(),
            "UPDATE note SET body = 'cheaper in December'",
            vec![],
        )
        .await;
        let said = audit(desk.engine.db()).await.fault.unwrap().what;
        assert!(said.contains("is not the one that was committed to"), "{said}");
        // What an erasure on the record looks like is in `erasing`.
    }
}

/// Changes who voted in entry #6 and makes everything around it fit, except what only the key's holder can make.
async fn rewrite_history(db: &Db) {
    let (mut bodies, mut edge, mut chain) = (Vec::new(), Edge::default(), [0_u8; 32]);
    for pos in 0..14 {
        bodies.push(
            bytes(
                db,
                &format!("SELECT body FROM event WHERE seq = ({})", seq_of(pos)),
            )
            .await,
        );
    }
    let honest = String::from_utf8(bodies[6].clone()).unwrap();
    bodies[6] = honest.replace("\"ana\"", "\"eve\"").into_bytes();
    assert_ne!(bodies[6], honest.as_bytes());
    let mut tile = Vec::new();
    for (pos, body) in (0..).zip(&bodies) {
        let leaf = leaf_hash(body);
        chain = Sha256::new()
            .chain_update(chain)
            .chain_update(leaf)
            .finalize()
            .into();
        tile = edge.append(&[leaf]).remove(0).1;
        let values: Vec<Value> = vec![leaf.to_vec().into(), chain.to_vec().into(), i64::from(pos).into()];
        tamper(
            db,
            "UPDATE ledger SET leaf = $1, chain = $2 WHERE pos = $3",
            values,
        )
        .await;
    }
    rewrite_event(db, &bodies[6]).await;
    tamper(db, "UPDATE ledger_tile SET bytes = $1", vec![tile.into()]).await;
    let root = || vec![edge.root().to_vec().into()];
    tamper(db, "UPDATE ledger_head SET root = $1", root()).await;
    tamper(db, "UPDATE checkpoint SET root = $1 WHERE size = 14", root()).await;
}

async fn rewrite_event(db: &Db, body: &[u8]) {
    let prev = bytes(
        db,
        &format!("SELECT prev_hash FROM event WHERE seq = ({})", seq_of(6)),
    )
    .await;
    let hash: Value = Sha256::new()
        .chain_update(prev)
        .chain_update(body)
        .finalize()
        .to_vec()
        .into();
    let event = format!(
        "UPDATE event SET body = $1, hash = $2, actor = 'eve' WHERE seq = ({})",
        seq_of(6)
    );
    tamper(db, &event, vec![body.to_vec().into(), hash.clone()]).await;
    tamper(
        db,
        "UPDATE change SET head_hash = $1 WHERE number = 1",
        vec![hash],
    )
    .await;
}

fn seq_of(pos: u32) -> String {
    format!("SELECT event_seq FROM ledger WHERE pos = {pos}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_rewritten_with_everything_made_to_fit_is_found_and_never_signed_again() {
    for desk in sealed_desks(2).await {
        let db = desk.engine.db();
        rewrite_history(db).await;
        let fault = audit(db).await.fault.unwrap();
        let sentence = "the 7 entries do not lead to the root that was signed for them";
        assert!(fault.what.contains(sentence), "{}", fault.what);

        desk.file("after").await.unwrap();
        let refused = sealer(&desk, "one")
            .seal_once(desk.clock.now())
            .await
            .unwrap_err();
        assert!(matches!(refused, SealError::Tampered(_)), "{refused}");
        tamper(
            db,
            "UPDATE checkpoint SET signature = NULL WHERE size = 14",
            vec![],
        )
        .await;
        let refused = sealer(&desk, "one")
            .seal_once(desk.clock.now())
            .await
            .unwrap_err();
        assert!(
            refused
                .to_string()
                .contains("no longer begins with the 7 entries signed"),
            "{refused}"
        );
    }
}

/// What somebody with full access to the database does.
pub(crate) async fn tamper(db: &Db, sql: &str, values: Vec<Value>) {
    let conn = db.for_migrations();
    let backend = conn.get_database_backend();
    let disarm = match backend {
        sea_orm::DbBackend::Postgres => "ALTER TABLE event DISABLE TRIGGER event_append_only",
        _ => "DROP TRIGGER IF EXISTS event_no_update",
    };
    conn.execute_unprepared(disarm).await.unwrap();
    if backend == sea_orm::DbBackend::Sqlite {
        conn.execute_unprepared("DROP TRIGGER IF EXISTS event_no_delete")
            .await
            .unwrap();
    }
    conn.execute_raw(Statement::from_sql_and_values(backend, sql, values))
        .await
        .unwrap();
}

async fn bytes(db: &Db, sql: &str) -> Vec<u8> {
    let conn = db.reads();
    let row = conn
        .query_one_raw(Statement::from_string(conn.get_database_backend(), sql))
        .await
        .unwrap()
        .unwrap();
    row.try_get_by_index(0).unwrap()
}

/// Flips one bit of a stored value.
async fn flip(db: &Db, table: &str, column: &str, at: usize, condition: &str) {
    let mut value = bytes(db, &format!("SELECT {column} FROM {table} WHERE {condition}")).await;
    value[at] ^= 1;
    tamper(
        db,
        &format!("UPDATE {table} SET {column} = $1 WHERE {condition}"),
        vec![value.into()],
    )
    .await;
}

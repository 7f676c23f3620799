//! The sealer and the audit on both databases: everything is sealed once, and whatever is changed is found and named.

use std::sync::Arc;

use chrono::{Duration, TimeDelta};
use sea_orm::{ConnectionTrait, Statement, Value};
use tests::{
    db::{BOTH, Kind},
    desk::{Desk, desk, log_key},
};
use workflow_engine::{
    engine::{
        audit::Report,
        ledger::Ledger,
        seal::{SealError, Sealer},
    },
    evidence::verify::{Witnessed, verify_packet},
    ledger::{
        key::{KeyKind, SigningKey},
        note::SignedCheckpoint,
        offline::verify_files,
    },
    ports::clock::Clock,
    store::{self, db::Db},
};

fn sealer(desk: &Desk, name: &str) -> Sealer {
    Sealer::new(desk.engine.db().clone(), Arc::new(log_key()), name)
}

fn ledger(desk: &Desk) -> Ledger {
    Ledger::new(desk.engine.db().clone(), log_key().public().clone())
}

/// A desk with `changes` changes awaiting approval, everything sealed.
async fn sealed_desk(kind: Kind, changes: u32) -> Option<Desk> {
    let desk = desk(kind).await?;
    for n in 0..changes {
        let number = desk.file(&format!("k{n}")).await.unwrap().number;
        let change = desk.to_review(number).await;
        desk.approve("ana", &change).await.unwrap();
        desk.clock.advance(Duration::milliseconds(7));
        sealer(&desk, "one").seal_once(desk.clock.now()).await.unwrap();
    }
    Some(desk)
}

async fn sealed_desks(changes: u32) -> Vec<Desk> {
    let mut desks = Vec::new();
    for kind in BOTH {
        desks.extend(sealed_desk(kind, changes).await);
    }
    desks
}

async fn audit(db: &Db) -> Report {
    Ledger::new(db.clone(), log_key().public().clone())
        .verify()
        .await
        .unwrap()
}

/// What somebody with full access to the database does.
async fn tamper(db: &Db, sql: &str, values: Vec<Value>) {
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

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_sealed_once_and_holds() {
    for desk in sealed_desks(3).await {
        let report = audit(desk.engine.db()).await;
        assert_eq!(report.fault, None);
        assert_eq!(
            (report.entries, report.changes, report.checkpoints, report.packets),
            (21, 3, 3, 3)
        );
        let again = sealer(&desk, "one").seal_once(desk.clock.now()).await.unwrap();
        assert_eq!((again.from, again.to, again.signed.len()), (0, 0, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_packet_is_proven_to_outsiders_from_the_database() {
    for desk in sealed_desks(2).await {
        let (db, ledger, key) = (desk.engine.db(), ledger(&desk), log_key());
        let change = desk.change(workflow_engine::values::ChangeNumber(2)).await;
        let places = ledger.places(&change.id, "packet_sealed").await.unwrap();
        let [index] = places.as_slice() else {
            panic!("one packet, not {places:?}")
        };
        let entry = ledger.entry(*index).await.unwrap();
        let proof = ledger.proof(*index).await.unwrap().to_text();
        let packet = store::packets::newest(db, &change.id).await.unwrap().unwrap();
        let witnessed = Witnessed {
            entry: &entry,
            proof: &proof,
        };
        let verified =
            verify_packet(packet.envelope.as_bytes(), key.public(), witnessed, key.public()).unwrap();
        assert_eq!(Some(verified.packet), change.packet);
        assert_eq!(verified.head.size, 14);
        assert!(
            ledger
                .proof(14)
                .await
                .unwrap_err()
                .to_string()
                .starts_with("entry #14 is not sealed yet")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_holds_without_the_database_and_one_flipped_byte_does_not() {
    for desk in sealed_desks(2).await {
        let out = desk.fresh.folder.path().join("export");
        assert_eq!(ledger(&desk).export(&out).await.unwrap(), 14);
        let read = |path: &str| std::fs::read(out.join(path)).ok();
        assert_eq!(verify_files(log_key().public(), read).unwrap().size, 14);
        for path in ["checkpoint", "tile/0/000.p/14", "tile/entries/000.p/14"] {
            let flipped = |wanted: &str| {
                let mut bytes = read(wanted)?;
                if wanted == path {
                    let middle = bytes.len() / 2;
                    bytes[middle] ^= 1;
                }
                Some(bytes)
            };
            let fault = verify_files(log_key().public(), flipped).unwrap_err().to_string();
            assert!(fault.starts_with(path), "{fault}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_before_the_signature_is_made_good_by_the_next_leader() {
    for desk in sealed_desks(2).await {
        let db = desk.engine.db();
        let before = ledger(&desk).checkpoint().await.unwrap().unwrap();
        tamper(
            db,
            "UPDATE checkpoint SET signature = NULL WHERE size = 14",
            vec![],
        )
        .await;
        assert_eq!(
            ledger(&desk)
                .checkpoint()
                .await
                .unwrap()
                .unwrap()
                .checkpoint
                .head
                .size,
            7
        );
        assert_eq!(audit(db).await.fault, None, "unsigned is not broken");
        desk.clock.advance(Duration::seconds(30));
        let round = sealer(&desk, "two").seal_once(desk.clock.now()).await.unwrap();
        assert_eq!(round.signed, [before], "the same head gets the same signature");
        assert_eq!(audit(db).await.fault, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_replica_seals_and_another_takes_over_when_it_falls_silent() {
    for desk in sealed_desks(1).await {
        desk.file("more").await.unwrap();
        let second = sealer(&desk, "two");
        assert!(second.seal_once(desk.clock.now()).await.unwrap().standby);
        desk.clock.advance(Duration::seconds(11));
        let round = second.seal_once(desk.clock.now()).await.unwrap();
        assert_eq!((round.from, round.to, round.standby), (7, 9, false));
        assert!(
            sealer(&desk, "one")
                .seal_once(desk.clock.now())
                .await
                .unwrap()
                .standby
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sealers_that_all_think_they_lead_seal_nothing_twice() {
    for desk in sealed_desks(1).await {
        for round in 0..8 {
            desk.file(&format!("race{round}")).await.unwrap();
            let mut racing = Vec::new();
            for n in 0..4 {
                // Each one's clock is past the others' lease.
                let (sealer, now) = (
                    sealer(&desk, &format!("r{n}")),
                    desk.clock.now() + TimeDelta::minutes(round * 5 + n),
                );
                racing.push(tokio::spawn(async move { sealer.seal_once(now).await }));
            }
            for seal in racing {
                seal.await.unwrap().unwrap();
            }
        }
        desk.clock.advance(Duration::hours(2));
        sealer(&desk, "last").seal_once(desk.clock.now()).await.unwrap();
        let report = audit(desk.engine.db()).await;
        assert_eq!((report.fault, report.entries, report.waiting), (None, 23, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_was_set_back_does_not_turn_a_change_around() {
    for desk in sealed_desks(0).await {
        let number = desk.file("k").await.unwrap().number;
        desk.clock.advance(Duration::hours(-3));
        desk.to_review(number).await;
        sealer(&desk, "one").seal_once(desk.clock.now()).await.unwrap();
        let report = audit(desk.engine.db()).await;
        assert_eq!((report.fault, report.entries), (None, 6));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_with_another_key_does_not_sign() {
    for desk in sealed_desks(1).await {
        let stranger = SigningKey::from_seed("governor.test/ledger", KeyKind::Note, &[8; 32]).unwrap();
        let stranger = Sealer::new(desk.engine.db().clone(), Arc::new(stranger), "one");
        let refused = stranger.seal_once(desk.clock.now()).await.unwrap_err();
        assert!(
            refused
                .to_string()
                .contains("give every replica the same ledger key"),
            "{refused}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_changed_in_the_database_is_found_and_named() {
    type Case = (&'static str, &'static str, &'static str);
    let cases: [Case; 12] = [
        (
            "event is gone",
            "DELETE FROM event WHERE seq = (SELECT event_seq FROM ledger WHERE pos = 3)",
            "entry #3 is sealed, but its event (seq",
        ),
        (
            "row is gone",
            "DELETE FROM ledger WHERE pos = 3",
            "entry #3 is missing from table ledger; the next one is #4",
        ),
        (
            "two are swapped",
            "UPDATE ledger SET event_seq = CASE pos WHEN 3 THEN -1 ELSE event_seq END",
            "entry #3 is sealed, but its event",
        ),
        (
            "end is cut",
            "DELETE FROM ledger WHERE pos >= 10",
            "the checkpoint of 14 entries was signed, but the ledger ends after 10; its end was cut off",
        ),
        (
            "checkpoint is gone",
            "DELETE FROM checkpoint WHERE size = 7",
            "a checkpoint before that of 14 entries is gone, or its prev_root was changed",
        ),
        (
            "newest is gone",
            "DELETE FROM checkpoint WHERE size = 14",
            "the newest checkpoint, of 14 entries, is gone",
        ),
        (
            "signature is gone",
            "UPDATE checkpoint SET signature = NULL WHERE size = 7",
            "the checkpoint of 7 entries has lost its signature",
        ),
        (
            "head is moved",
            "UPDATE ledger_head SET size = 13",
            "the head says 13 entries where 14 are stored, or another root",
        ),
        (
            "change is turned",
            "UPDATE change SET event_n = 6 WHERE number = 1",
            "change #1 does not end with its last event; events or its row were changed",
        ),
        (
            "change is gone",
            "DELETE FROM change WHERE number = 1",
            "there are events of 2 changes, but 1 changes; a row was removed",
        ),
        (
            "packet is gone",
            "DELETE FROM packet WHERE revision = 1",
            "was sealed, but is gone from table packet",
        ),
        (
            "actor in text",
            "UPDATE event SET body = prev_hash WHERE seq = (SELECT event_seq FROM ledger WHERE pos = 9)",
            "entry #9: the text of event 3 of change",
        ),
    ];
    for kind in BOTH {
        for (what, sql, sentence) in cases {
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
async fn one_flipped_bit_in_any_table_is_found_and_named() {
    let sealed = "seq = (SELECT event_seq FROM ledger WHERE pos = 9)";
    let cases = [
        (
            "event",
            "body",
            20,
            sealed,
            Some(9),
            "the text of event 3 of change",
        ),
        (
            "event",
            "hash",
            5,
            sealed,
            Some(9),
            "a hash beside the text of event 3",
        ),
        (
            "event",
            "prev_hash",
            5,
            sealed,
            Some(9),
            "a hash beside the text of event 3",
        ),
        (
            "ledger",
            "leaf",
            0,
            "pos = 9",
            Some(9),
            "entry #9: the sealed digest is not that of event 3",
        ),
        (
            "ledger",
            "chain",
            0,
            "pos = 9",
            Some(9),
            "entry #9: the running digest in table ledger was changed",
        ),
        (
            "ledger_tile",
            "bytes",
            32 * 9,
            "level = 0",
            Some(9),
            "tile/0/000.p/14: digest 9 is not what the entries give",
        ),
        (
            "checkpoint",
            "root",
            3,
            "size = 7",
            Some(6),
            "the root of the checkpoint of 7 entries was changed",
        ),
        (
            "checkpoint",
            "prev_root",
            3,
            "size = 14",
            Some(13),
            "a checkpoint before that of 14 entries is gone",
        ),
        ("ledger_head", "root", 3, "id = 1", Some(14), "or another root"),
        (
            "change",
            "head_hash",
            3,
            "number = 1",
            None,
            "change #1 does not end with its last event",
        ),
    ];
    for kind in BOTH {
        for (table, column, at, condition, index, sentence) in cases {
            let Some(desk) = sealed_desk(kind, 2).await else {
                continue;
            };
            flip(desk.engine.db(), table, column, at, condition).await;
            let fault = audit(desk.engine.db()).await.fault.unwrap();
            assert!(
                fault.what.contains(sentence),
                "{kind:?}, {table}.{column}: {}",
                fault.what
            );
            assert_eq!(fault.index, index, "{table}.{column}");
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

/// Rewrites an event with everything around it made to fit, except what only the key's holder can make.
async fn rewrite_history(db: &Db) {
    use sha2::{Digest as _, Sha256};
    use workflow_engine::ledger::{merkle::leaf_hash, tiles::Edge};
    let mut bodies = Vec::new();
    for pos in 0..14 {
        let sql =
            format!("SELECT body FROM event WHERE seq = (SELECT event_seq FROM ledger WHERE pos = {pos})");
        bodies.push(bytes(db, &sql).await);
    }
    let text = String::from_utf8(bodies[6].clone()).unwrap();
    bodies[6] = text.replace("\"ana\"", "\"eve\"").into_bytes();
    assert_ne!(bodies[6], text.as_bytes());
    let (mut chain, mut leaves) = ([0_u8; 32], Vec::new());
    for (pos, body) in bodies.iter().enumerate() {
        let leaf = leaf_hash(body);
        chain = Sha256::new()
            .chain_update(chain)
            .chain_update(leaf)
            .finalize()
            .into();
        leaves.push(leaf);
        let values = vec![leaf.to_vec().into(), chain.to_vec().into(), (pos as i64).into()];
        tamper(
            db,
            "UPDATE ledger SET leaf = $1, chain = $2 WHERE pos = $3",
            values,
        )
        .await;
    }
    let prev = bytes(
        db,
        "SELECT prev_hash FROM event WHERE seq = (SELECT event_seq FROM ledger WHERE pos = 6)",
    )
    .await;
    let hash = Sha256::new()
        .chain_update(prev)
        .chain_update(&bodies[6])
        .finalize()
        .to_vec();
    let sql =
        "UPDATE event SET body = $1, hash = $2 WHERE seq = (SELECT event_seq FROM ledger WHERE pos = 6)";
    tamper(db, sql, vec![bodies[6].clone().into(), hash.clone().into()]).await;
    tamper(
        db,
        "UPDATE change SET head_hash = $1 WHERE number = 1",
        vec![hash.into()],
    )
    .await;
    let mut edge = Edge::default();
    for (_, bytes) in edge.append(&leaves) {
        tamper(
            db,
            "UPDATE ledger_tile SET bytes = $1 WHERE level = 0",
            vec![bytes.into()],
        )
        .await;
    }
    tamper(
        db,
        "UPDATE ledger_head SET root = $1",
        vec![edge.root().to_vec().into()],
    )
    .await;
    tamper(
        db,
        "UPDATE checkpoint SET root = $1 WHERE size = 14",
        vec![edge.root().to_vec().into()],
    )
    .await;
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

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_s_cosignature_is_kept_with_the_head() {
    for desk in sealed_desks(1).await {
        let witness = SigningKey::from_seed("audit.test/witness", KeyKind::Cosignature, &[3; 32]).unwrap();
        let mut note: SignedCheckpoint = ledger(&desk).checkpoint().await.unwrap().unwrap();
        let cosignature = note.cosign(&witness, 1_795_392_000);
        note.signatures.push(cosignature);
        ledger(&desk).keep_cosigned(&note).await.unwrap();
        let kept = ledger(&desk).proof(3).await.unwrap().checkpoint;
        assert_eq!(kept.cosigned(witness.public()), Ok(1_795_392_000));
        assert_eq!(audit(desk.engine.db()).await.fault, None);
    }
}

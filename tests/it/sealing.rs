//! The sealer and the audit on both databases: everything is sealed once, and whatever is changed is found and named.

use std::sync::Arc;

use chrono::Duration;
use tests::{
    db::{BOTH, Kind, leases_run_out},
    desk::{Desk, desk, log_key},
};
use workflow_engine::{
    engine::{audit::Report, ledger::Ledger, seal::Sealer},
    evidence::verify::{Witnessed, verify_packet},
    ledger::{
        key::{KeyKind, SigningKey},
        offline::verify_files,
    },
    ports::clock::Clock,
    store::{self, db::Db},
};

use crate::tampering::tamper;

pub(crate) fn sealer(desk: &Desk, name: &str) -> Sealer {
    Sealer::new(desk.engine.db().clone(), Arc::new(log_key()), name)
}

pub(crate) fn ledger(desk: &Desk) -> Ledger {
    Ledger::new(desk.engine.db().clone(), log_key().public().clone())
}

/// A desk with `changes` changes awaiting approval, everything sealed.
pub(crate) async fn sealed_desk(kind: Kind, changes: u32) -> Option<Desk> {
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

pub(crate) async fn sealed_desks(changes: u32) -> Vec<Desk> {
    let mut desks = Vec::new();
    for kind in BOTH {
        desks.extend(sealed_desk(kind, changes).await);
    }
    desks
}

pub(crate) async fn audit(db: &Db) -> Report {
    Ledger::new(db.clone(), log_key().public().clone())
        .verify()
        .await
        .unwrap()
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
        leases_run_out(db).await;
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
        leases_run_out(desk.engine.db()).await;
        let round = second.seal_once(desk.clock.now()).await.unwrap();
        assert_eq!((round.from, round.to, round.standby), (7, 9, false));
        desk.file("and more").await.unwrap();
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
                let sealer = sealer(&desk, &format!("r{n}"));
                let (db, now) = (desk.engine.db().clone(), desk.clock.now());
                racing.push(tokio::spawn(async move {
                    leases_run_out(&db).await;
                    sealer.seal_once(now).await
                }));
            }
            for seal in racing {
                seal.await.unwrap().unwrap();
            }
        }
        leases_run_out(desk.engine.db()).await;
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
        desk.file("waits").await.unwrap();
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

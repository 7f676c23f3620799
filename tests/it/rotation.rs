//! The ledger's key is replaced: announced under the old one, used after that, and every older proof still holds.

use std::sync::Arc;

use tests::desk::{Desk, log_key};
use workflow_engine::{
    engine::{ledger::Ledger, seal::Sealer},
    ledger::{
        key::{KeyKind, SigningKey, VerifierKey},
        notice::Notice,
    },
    ports::clock::Clock,
    values::Actor,
};

use crate::{
    sealing::{ledger, sealed_desk, sealed_desks, sealer},
    tampering::tamper,
};

fn next_key() -> SigningKey {
    SigningKey::from_seed("governor.test/ledger", KeyKind::Note, &[8; 32]).unwrap()
}

fn next_sealer(desk: &Desk) -> Sealer {
    Sealer::new(desk.engine.db().clone(), Arc::new(next_key()), "one")
}

async fn announce(desk: &Desk, from: &VerifierKey, to: &VerifierKey) {
    let notice = Notice::KeyAnnounced {
        from: from.to_string(),
        to: to.to_string(),
    };
    let tests = Actor::Service("tests".to_owned());
    desk.engine.notice(&tests, notice).await.unwrap();
}

async fn holds(desk: &Desk, key: &VerifierKey) -> Option<String> {
    let report = Ledger::new(desk.engine.db().clone(), key.clone())
        .verify()
        .await
        .unwrap();
    report.fault.map(|fault| fault.what)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_signs_after_the_old_one_has_announced_it_and_both_check_everything() {
    for desk in sealed_desks(1).await {
        let before = ledger(&desk).proof(3).await.unwrap();
        desk.file("waits").await.unwrap();
        let refused = next_sealer(&desk).seal_once(desk.clock.now()).await.unwrap_err();
        assert!(
            refused
                .to_string()
                .contains("give every replica the same ledger key"),
            "{refused}"
        );

        announce(&desk, log_key().public(), next_key().public()).await;
        assert!(
            next_sealer(&desk).seal_once(desk.clock.now()).await.is_err(),
            "not sealed under the old key yet"
        );
        sealer(&desk, "one").seal_once(desk.clock.now()).await.unwrap();
        desk.file("by the new key").await.unwrap();
        let round = next_sealer(&desk).seal_once(desk.clock.now()).await.unwrap();
        assert_eq!((round.from, round.to), (10, 12));

        assert_eq!(holds(&desk, next_key().public()).await, None);
        assert_eq!(
            holds(&desk, log_key().public()).await,
            None,
            "who has only the old key follows"
        );
        let now = Ledger::new(desk.engine.db().clone(), next_key().public().clone());
        let entry = now.entry(3).await.unwrap();
        let proof = now.proof(3).await.unwrap();
        assert_eq!(proof.verify(&entry, next_key().public()).unwrap().size, 12);
        assert_eq!(
            before.verify(&entry, log_key().public()).unwrap().size,
            7,
            "what was proven stays proven"
        );
        let old = sealer(&desk, "one").seal_once(desk.clock.now()).await.unwrap();
        assert_eq!(old.to, 0, "nothing waits");
        desk.file("and the old one is over").await.unwrap();
        assert!(sealer(&desk, "one").seal_once(desk.clock.now()).await.is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_announced_by_nobody_who_may_is_not_followed() {
    let desk = sealed_desk(tests::db::Kind::Sqlite, 1).await.unwrap();
    let thief = SigningKey::from_seed("governor.test/ledger", KeyKind::Note, &[9; 32]).unwrap();
    // Somebody with the database, and without the key, announces a key of their own and signs with it.
    announce(&desk, log_key().public(), thief.public()).await;
    let theirs = Sealer::new(desk.engine.db().clone(), Arc::new(thief), "one");
    tamper(desk.engine.db(), "UPDATE ledger_head SET vkey = NULL", vec![]).await;
    theirs.seal_once(desk.clock.now()).await.unwrap_err();
    tamper(desk.engine.db(), "UPDATE checkpoint SET signature = NULL", vec![]).await;
    theirs.seal_once(desk.clock.now()).await.unwrap();
    let fault = holds(&desk, log_key().public()).await.unwrap_or_default();
    assert!(
        fault.contains("carries no signature by key governor.test/ledger"),
        "{fault}"
    );
}

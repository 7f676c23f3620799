//! A person's data is erased: the texts are gone for good, the root and every proof stay, and the ledger says so.

use tests::desk::{Desk, filing};
use workflow_engine::{
    engine::erasure::EraseError,
    ledger::notice::{Leaf, Notice},
    ports::clock::Clock,
    values::{Actor, PersonId},
};

use crate::{
    sealing::{audit, ledger, sealed_desks, sealer},
    tampering::tamper,
};

fn admin() -> Actor {
    Actor::Service("tests".to_owned())
}

/// A desk on which Maya has filed with a reason; sealed.
async fn with_a_reason() -> Vec<Desk> {
    let desks = sealed_desks(0).await;
    for desk in &desks {
        let mut filing = filing("with a reason");
        filing.reason = Some(desk.engine.note("my doctor says I should not test this any more"));
        desk.engine.file(filing).await.unwrap();
        sealer(desk, "one").seal_once(desk.clock.now()).await.unwrap();
    }
    desks
}

async fn leave(desk: &Desk, person: &str) {
    let (_, catalog) = desk.engine.catalog().await.unwrap();
    let mut catalog = (*catalog).clone();
    catalog.people.retain(|known| known.id.as_str() != person);
    desk.engine.apply_catalog(&catalog, &admin()).await.unwrap();
}

async fn column(desk: &Desk, sql: &str) -> Vec<String> {
    use sea_orm::{ConnectionTrait, Statement};
    let conn = desk.engine.db().reads();
    let rows = conn
        .query_all_raw(Statement::from_string(conn.get_database_backend(), sql))
        .await
        .unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_text_is_gone_and_root_and_proofs_stay_as_they_are() {
    for desk in with_a_reason().await {
        let maya = PersonId::from("maya");
        let refused = desk.engine.erase_person(&maya, &admin()).await.unwrap_err();
        assert!(matches!(refused, EraseError::InCatalog(_)), "{refused}");
        leave(&desk, "maya").await;

        let (root, entry) = (
            ledger(&desk).root_at(2).await.unwrap(),
            ledger(&desk).entry(0).await.unwrap(),
        );
        let proof = ledger(&desk).proof(0).await.unwrap();
        let erased = desk.engine.erase_person(&maya, &admin()).await.unwrap();
        assert_eq!((erased.texts.len(), erased.records), (1, 1));
        let report = audit(desk.engine.db()).await;
        assert_eq!(
            (report.fault, report.notes, report.waiting),
            (None, 0, 2),
            "the catalog without her, and the erasure: said before they are sealed"
        );
        sealer(&desk, "one").seal_once(desk.clock.now()).await.unwrap();
        let report = audit(desk.engine.db()).await;
        assert_eq!((report.fault, report.entries), (None, 4));

        assert_eq!(ledger(&desk).root_at(2).await.unwrap(), root);
        proof.verify(&entry, tests::desk::log_key().public()).unwrap();
        let leaf: Leaf = serde_json::from_slice(&ledger(&desk).entry(3).await.unwrap()).unwrap();
        assert_eq!(leaf.event, Notice::Erased(erased));
        assert_eq!(
            column(
                &desk,
                "SELECT id FROM note WHERE body IS NOT NULL OR salt IS NOT NULL"
            )
            .await
            .len(),
            0
        );
        let catalogs = column(&desk, "SELECT body FROM catalog_version").await;
        assert!(
            !catalogs.concat().contains("U01MAYA"),
            "chat user gone from every catalog"
        );
        let again = desk.engine.erase_person(&maya, &admin()).await.unwrap_err();
        assert!(matches!(again, EraseError::Nothing(_)), "{again}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_emptied_by_hand_and_one_put_back_are_both_found() {
    for desk in with_a_reason().await {
        tamper(
            desk.engine.db(),
            "UPDATE note SET body = NULL, salt = NULL, erased_at = 1",
            vec![],
        )
        .await;
        let said = audit(desk.engine.db()).await.fault.unwrap().what;
        assert!(
            said.contains("is empty, but no entry of the ledger says that it was erased"),
            "{said}"
        );
    }
    for desk in with_a_reason().await {
        tamper(
            desk.engine.db(),
            "CREATE TABLE kept AS SELECT * FROM note",
            vec![],
        )
        .await;
        leave(&desk, "maya").await;
        desk.engine
            .erase_person(&PersonId::from("maya"), &admin())
            .await
            .unwrap();
        tamper(desk.engine.db(), "DELETE FROM note", vec![]).await;
        tamper(desk.engine.db(), "INSERT INTO note SELECT * FROM kept", vec![]).await;
        let said = audit(desk.engine.db()).await.fault.unwrap().what;
        assert!(
            said.contains("was erased on the record, but it is there again"),
            "{said}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_entry_holds_an_address_a_chat_user_or_words_of_a_person() {
    for desk in with_a_reason().await {
        let number = desk.file("whole").await.unwrap().number;
        let change = desk.to_review(number).await;
        for person in ["ana", "priya", "tomas"] {
            desk.approve(person, &change).await.unwrap();
        }
        sealer(&desk, "one").seal_once(desk.clock.now()).await.unwrap();
        let (_, catalog) = desk.engine.catalog().await.unwrap();
        let size = ledger(&desk)
            .checkpoint()
            .await
            .unwrap()
            .unwrap()
            .checkpoint
            .head
            .size;
        for index in 0..size {
            let entry = String::from_utf8(ledger(&desk).entry(index).await.unwrap()).unwrap();
            assert!(!entry.contains('@') && !entry.contains("doctor"), "{entry}");
            for person in &catalog.people {
                let known = [
                    Some(person.name.as_str()),
                    person.email.as_deref(),
                    person.slack.as_deref(),
                ];
                for words in known.into_iter().flatten() {
                    assert!(!entry.contains(words), "#{index} holds {words}");
                }
            }
        }
    }
}

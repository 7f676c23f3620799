//! What a test saw: encrypted, for cleared eyes only, each look on record, erased at the end of its time.

use chrono::TimeDelta;
use tests::{
    db::{BOTH, Kind},
    lab::{Lab, Models, Via, lab},
};
use workflow_engine::{
    change::event::Event,
    engine::shadow::examples::{Asked, ExamplesError, Show},
    store,
    values::{ChangeNumber, PersonId},
};

async fn tested(kind: Kind, per_category: usize) -> Option<(Lab, ChangeNumber)> {
    let lab = lab(kind, Models::CHEAP, Via::LiteLlm, per_category).await?;
    let change = lab.admitted().await;
    lab.run(&lab.tester(), change.number).await.unwrap();
    Some((lab, change.number))
}

async fn viewings(lab: &Lab, number: ChangeNumber) -> Vec<(PersonId, u32)> {
    let change = lab.desk.change(number).await;
    let events = store::changes::events(lab.desk.engine.db(), change.id.as_str())
        .await
        .unwrap();
    events
        .iter()
        .filter_map(|event| match event.event().unwrap() {
            Event::ContentViewed { by, traces, .. } => Some((by, traces)),
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn the_owner_sees_failing_answers_side_by_side_and_the_look_is_on_record() {
    for kind in BOTH {
        let Some((lab, number)) = tested(kind, 60).await else {
            continue;
        };
        let owner = PersonId::from("wei");
        let asked = Asked {
            stratum: Some("relevance".to_owned()),
            limit: 3,
            ..Asked::default()
        };
        let page = lab.vault().examples(&owner, number, &asked).await.unwrap();
        assert!(
            page.total >= page.items.len() && !page.items.is_empty(),
            "{page:?}"
        );
        for example in &page.items {
            assert_eq!(example.stratum, "relevance");
            assert!(example.incumbent.result.ok && !example.candidate.result.ok);
            let asked = example.input.as_ref().unwrap().messages.to_string();
            assert!(asked.contains("user"), "{asked}");
            assert!(!example.candidate.answer.as_ref().unwrap().tool_calls.is_empty());
            assert!(example.incumbent.answer.is_some() && example.recorded.is_some());
        }
        assert_eq!(
            viewings(&lab, number).await,
            [(owner.clone(), u32::try_from(page.items.len()).unwrap())]
        );
        // The same page again within the hour is the same look.
        lab.vault().examples(&owner, number, &asked).await.unwrap();
        assert_eq!(viewings(&lab, number).await.len(), 1);

        let by_check = Asked {
            check: Some("abstention".to_owned()),
            show: Show::Worse,
            ..Asked::default()
        };
        let found = lab.vault().examples(&owner, number, &by_check).await.unwrap();
        assert!(
            found
                .items
                .iter()
                .all(|example| !example.candidate.result.checks["abstention"])
        );
    }
}

#[tokio::test]
async fn who_is_not_cleared_sees_nothing_and_reads_who_is() {
    let (lab, number) = tested(Kind::Sqlite, 12).await.unwrap();
    let refused = lab
        .vault()
        .examples(&PersonId::from("tomas"), number, &Asked::default())
        .await;
    let Err(ExamplesError::NotCleared(why)) = refused else {
        panic!("{refused:?}");
    };
    insta::assert_snapshot!(why, @"Prompts of support-answer are confidential data; its owner and security may read them. To be cleared, ask for a place in such a group, or for a group of yours among those that this data class clears.");
    assert_eq!(viewings(&lab, number).await, []);
}

#[tokio::test]
async fn nothing_that_was_asked_or_answered_stands_readable_in_the_database() {
    let (lab, _) = tested(Kind::Sqlite, 12).await.unwrap();
    let folder = lab.desk.fresh.folder.path();
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        // The calls' own store is another file, with its own retention.
        if path.file_name().unwrap().to_string_lossy().starts_with("calls") || !path.is_file() {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        seen += bytes.len();
        for word in [&b"start_return"[..], b"\"role\":\"user\""] {
            let found = bytes.windows(word.len()).any(|window| window == word);
            assert!(
                !found,
                "{} holds {:?}",
                path.display(),
                String::from_utf8_lossy(word)
            );
        }
    }
    assert!(seen > 100_000);
}

#[tokio::test]
async fn at_the_end_of_its_time_the_key_is_destroyed_and_the_ledger_says_so() {
    for kind in BOTH {
        let Some((lab, number)) = tested(kind, 6).await else {
            continue;
        };
        let vault = lab.vault();
        assert_eq!(vault.erase_due().await.unwrap(), 0);
        lab.desk.clock.advance(TimeDelta::days(91));
        assert_eq!(vault.erase_due().await.unwrap(), 1);
        assert_eq!(vault.erase_due().await.unwrap(), 0);

        let every = Asked {
            show: Show::Every,
            ..Asked::default()
        };
        let gone = vault.examples(&PersonId::from("wei"), number, &every).await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(gone.unwrap_err().to_string(), @"what this test saw was erased at the end of its retention; figures and verdicts stay in the packet");
        }
        let change = lab.desk.change(number).await;
        let events = store::changes::events(lab.desk.engine.db(), change.id.as_str())
            .await
            .unwrap();
        let erased: Vec<Event> = events
            .iter()
            .map(|event| event.event().unwrap())
            .filter(|event| matches!(event, Event::ContentErased { .. }))
            .collect();
        assert_eq!(erased.len(), 1);
        let run = lab.desk.engine.test_run(&change).await.unwrap().unwrap();
        let first = [run.sample[0].trace_id.clone()];
        let texts = store::shadow_content::texts(lab.desk.engine.db(), &run.id, &first).await;
        assert_eq!(texts.unwrap(), []);
        assert!(run.report.is_some());
    }
}

//! Applying catalogs on both databases: once for the same file, editors remembered, of two at once one waits or is told.

use tests::{db::BOTH, desk::desk};
use workflow_engine::{
    catalog::{Catalog, load},
    store::error::StoreError,
    values::Actor,
};

fn example() -> Catalog {
    load(
        "catalog.example.toml",
        include_str!("../../deploy/catalog.example.toml"),
    )
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_file_twice_changes_nothing_the_second_time() {
    for kind in BOTH {
        let Some(desk) = desk(kind).await else { continue };
        let engine = &desk.engine;
        let ana = Actor::Person("ana".into());
        let first = engine.apply_catalog(&example(), &ana).await.unwrap();
        assert!(!first.differences.is_empty());
        let again = engine
            .apply_catalog(&example(), &Actor::Person("jonas".into()))
            .await
            .unwrap();
        assert_eq!((again.digest, again.differences.len()), (first.digest, 0));
        let (digest, catalog) = engine.catalog().await.unwrap();
        assert_eq!(digest, first.digest);
        assert_eq!(catalog.digest(), digest);
        assert_eq!(catalog.policy.last_editor, Some("ana".into()));
        let history = workflow_engine::store::catalog::history(engine.db(), 10)
            .await
            .unwrap();
        let actors: Vec<_> = history.iter().map(|(_, _, actor)| actor.as_str()).collect();
        assert_eq!(actors, ["ana", "service:tests"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_different_files_at_once_both_are_versions_or_one_is_told() {
    for kind in BOTH {
        let Some(desk) = desk(kind).await else { continue };
        let edits = (0..6).map(|index| {
            let engine = desk.engine.clone();
            tokio::spawn(async move {
                let mut file = example();
                file.company.name = format!("Company {index}");
                engine
                    .apply_catalog(&file, &Actor::Service("tests".to_owned()))
                    .await
            })
        });
        let mut applied = 0;
        for edit in edits.collect::<Vec<_>>() {
            match edit.await.unwrap() {
                Ok(_) => applied += 1,
                Err(StoreError::Contended) => {}
                Err(other) => panic!("{other}"),
            }
        }
        let history = workflow_engine::store::catalog::history(desk.engine.db(), 10)
            .await
            .unwrap();
        assert_eq!(history.len(), applied + 1);
    }
}

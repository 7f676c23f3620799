//! Applying catalogs on both databases: once for the same file, editors remembered, of two at once one waits or is told.

use bot::commands_cli::{Format, catalog, decide};
use clap::Parser;
use tests::{
    db::{BOTH, Kind},
    desk::{Desk, desk},
};
use workflow_engine::{
    catalog::{Catalog, load},
    engine::catalog::ApplyError,
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
                Err(ApplyError::Store(StoreError::Contended)) => {}
                Err(other) => panic!("{other}"),
            }
        }
        let history = workflow_engine::store::catalog::history(desk.engine.db(), 10)
            .await
            .unwrap();
        assert_eq!(history.len(), applied + 1);
    }
}

#[derive(Parser)]
enum Program {
    Catalog(catalog::Args),
    Decide(decide::Args),
}

/// Runs a command line; what it prints or complains, and its exit code.
async fn governor(line: &str) -> (String, u8) {
    let format = if line.ends_with("--json") {
        Format::Json
    } else {
        Format::Text
    };
    let words = line.split(' ').filter(|word| *word != "--json");
    let answer = match Program::try_parse_from(std::iter::once("governor").chain(words)) {
        Ok(Program::Catalog(args)) => catalog::answer(&args, format).await,
        Ok(Program::Decide(args)) => decide::answer(&args).map(|said| (said, true)),
        Err(error) => return (error.to_string(), 2),
    };
    match answer {
        Ok((said, holds)) => (said, u8::from(!holds)),
        Err(error) => (format!("{error:#}"), 2),
    }
}

/// A desk whose SQLite file is free for the command, with its settings.
async fn settings() -> (Desk, String) {
    let desk = desk(Kind::Sqlite).await.unwrap();
    let path = desk.fresh.folder.path().join("governor.toml");
    let database = desk.fresh.folder.path().join("other.db");
    std::fs::write(
        &path,
        format!("[database]\nurl = \"sqlite://{}\"\n", database.display()),
    )
    .unwrap();
    let db = workflow_engine::store::db::Db::open(&format!("sqlite://{}", database.display()), 2)
        .await
        .unwrap();
    bot::storage::migrate(&db).await.unwrap();
    drop(db);
    (desk, format!("--config {}", path.display()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_compared_applied_and_written_out_by_command() {
    let (desk, config) = settings().await;
    let example = tests::root().join("deploy/catalog.example.toml");
    let file = example.display();
    let (said, code) = governor(&format!("catalog diff {file} {config}")).await;
    assert_eq!(code, 1);
    assert!(said.contains("+ workflows.support-answer"), "{said}");
    let (said, code) = governor(&format!("catalog apply {file} --as ana {config} --json")).await;
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((said["applied"].as_bool(), code), (Some(true), 0));
    let again = governor(&format!("catalog apply {file} {config}")).await;
    assert_eq!(again, ("Nothing differs.\n".to_owned(), 0));
    let out = desk.fresh.folder.path().join("out.toml");
    let (_, code) = governor(&format!("catalog export {} {config}", out.display())).await;
    assert_eq!(code, 0);
    let same = governor(&format!("catalog diff {} {config}", out.display())).await;
    assert_eq!(same, ("Nothing differs.\n".to_owned(), 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_applied_beside_the_service_that_has_the_sqlite_file() {
    let desk = desk(Kind::Sqlite).await.unwrap();
    let (_, before) = desk.engine.catalog().await.unwrap();
    let path = desk.fresh.folder.path().join("governor.toml");
    std::fs::write(&path, format!("[database]\nurl = \"{}\"\n", desk.fresh.url)).unwrap();
    let example = tests::root().join("deploy/catalog.example.toml");
    let line = format!("catalog apply {} --config {}", example.display(), path.display());
    let (said, code) = governor(&line).await;
    assert_eq!(code, 0, "{said}");
    let (_, now) = desk.engine.catalog().await.unwrap();
    assert_ne!(now.digest(), before.digest(), "the service goes by it at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_file_is_refused_with_every_fault_and_changes_nothing() {
    let (desk, config) = settings().await;
    let text = include_str!("../../deploy/catalog.example.toml");
    let path = desk.fresh.folder.path().join("broken.toml");
    let broken =
        text.replacen("gpt-4o-0513\" ", "gpt-4o-0531\" ", 1)
            .replacen("needs_tools", "need_tools", 1);
    std::fs::write(&path, broken).unwrap();
    let (said, code) = governor(&format!("catalog apply {} {config}", path.display())).await;
    assert_eq!(code, 2);
    let lines: Vec<_> = said
        .lines()
        .map(|line| line.rsplit("broken.toml:").next().unwrap())
        .collect();
    assert_eq!(lines.len(), 2, "{said}");
    assert!(
        lines[0].ends_with("no route \"gpt-4o-0531\"; did you mean \"gpt-4o-0513\"?"),
        "{said}"
    );
    assert!(
        lines[1].ends_with("no such field; did you mean \"needs_tools\"?"),
        "{said}"
    );
    let (_, code) = governor(&format!("catalog apply {} --as nobody {config}", path.display())).await;
    assert_eq!(code, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn decide_answers_line_by_line_and_names_the_line_that_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let requests = folder.path().join("requests.ndjson");
    let example = tests::root().join("deploy/catalog.example.toml");
    let line = format!(
        "decide --catalog {} --on 2026-11-24 {}",
        example.display(),
        requests.display()
    );
    let good = "{\"id\":1,\"workflow\":\"support-answer\",\"route\":\"gpt-4o-0806\"}\n\n\
                {\"id\":2,\"workflow\":\"support-answer\",\"route\":\"gpt-4o-mini-0718-ap\"}\n";
    std::fs::write(&requests, good).unwrap();
    let (said, code) = governor(&line).await;
    assert_eq!(code, 0);
    let replies: Vec<serde_json::Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let decisions: Vec<_> = replies
        .iter()
        .map(|reply| (&reply["id"], &reply["decision"], &reply["failed"]))
        .collect();
    assert_eq!(
        serde_json::json!(decisions),
        serde_json::json!([[1, "permit", []], [2, "deny", ["residency"]]])
    );
    std::fs::write(
        &requests,
        format!("{good}{{\"workflow\":\"support-answr\",\"route\":\"gpt-4o-0806\"}}\n"),
    )
    .unwrap();
    let (said, code) = governor(&line).await;
    assert_eq!(code, 2);
    assert!(
        said.ends_with("requests.ndjson: line 4: workflow: the catalog has no \"support-answr\"; did you mean \"support-answer\"?"),
        "{said}"
    );
}

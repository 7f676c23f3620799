//! Versions of the rules side by side: an older program shows what a newer one filed, and keeps its hands off it.

use std::sync::Arc;

use bot::commands_cli::migrate;
use clap::Parser;
use tests::{
    db::BOTH,
    desk::{Desk, approval, desk, filing},
    web::web,
};
use tokio_util::sync::CancellationToken;
use workflow_engine::{
    change::{
        command::Command,
        definitions::{Definition, Definitions},
        machine,
        refusal::RefusalCode,
    },
    engine::{
        Engine, HandleError,
        jobs::{Handler, JobError, Runner},
    },
    store::{self, queue::Job},
    values::PersonId,
};

/// The rules of the next release: the same ones under another number.
static NEXT: [Definition; 2] = [version(1), version(2)];

const fn version(version: u32) -> Definition {
    Definition {
        version,
        decide: machine::decide,
        react: machine::react,
    }
}

/// The program of the next release on the same database, once it files under version 2.
fn newer(desk: &Desk) -> Engine {
    desk.engine
        .clone()
        .with_definitions(Definitions::new(&NEXT, 2).unwrap())
}

#[derive(clap::Parser)]
enum Program {
    Migrate(migrate::Args),
}

/// Runs `governor migrate` with `words` on the desk's database, beside the service; its complaint, if it has one.
async fn governor_migrate(desk: &Desk, words: &str) -> Result<(), String> {
    let path = desk.fresh.folder.path().join("governor.toml");
    std::fs::write(&path, format!("[database]\nurl = \"{}\"\n", desk.fresh.url)).unwrap();
    let line = format!("governor migrate {words} --config {}", path.display());
    let Program::Migrate(args) =
        Program::try_parse_from(line.split(' ')).map_err(|error| error.to_string())?;
    let ended = migrate::run(&args).await;
    ended.map(drop).map_err(|error| format!("{error:#}"))
}

/// Counts admission checks.
struct Admission(Arc<std::sync::atomic::AtomicU32>);

#[async_trait::async_trait]
impl Handler for Admission {
    fn kinds(&self) -> &'static [&'static str] {
        &["check_admission"]
    }

    async fn run(&self, _: &Job, _: &CancellationToken) -> Result<(), JobError> {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok(())
    }
}

/// How many due admission checks `engine` takes up.
async fn taken_up(engine: &Engine) -> usize {
    let runner = Runner::new(engine.clone(), vec![Arc::new(Admission(Arc::default()))]);
    let taken = runner.step(&CancellationToken::new()).await.unwrap();
    runner.settle().await;
    taken
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_unknown_rules_is_shown_and_nothing_happens_to_it() {
    for kind in BOTH {
        let Some(desk) = desk(kind).await else { continue };
        let number = newer(&desk).file(filing("k")).await.unwrap().number;
        let refused = desk.person("maya", number, Command::Withdraw).await;
        let Err(HandleError::Refused(refusal)) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(refusal.code, RefusalCode::Frozen);
        insta::allow_duplicates! {
            insta::assert_snapshot!(refusal.message, @"#1 follows version 2 of the rules, and this program carries version 1. It can be read here, and nothing is recorded. Try again once every replica is upgraded; or an administrator moves it: governor migrate --change 1 --to 1 --by PERSON.");
        }
        let view = desk.engine.change_view(number).await.unwrap().unwrap();
        assert_eq!((view.definition_version, view.frozen), (2, Some(refusal.message)));
        assert_eq!(desk.engine.frozen().await.unwrap(), [(number, 2)]);
        assert_eq!(
            taken_up(&desk.engine).await,
            0,
            "its jobs wait for who knows its rules"
        );
        assert_eq!(taken_up(&newer(&desk)).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_and_the_next_one_work_on_the_same_changes_until_the_next_files_under_its_own() {
    for kind in BOTH {
        let Some(desk) = desk(kind).await else { continue };
        let rolled_out = Definitions::new(&NEXT, 1).unwrap();
        let next = desk.engine.clone().with_definitions(rolled_out);
        let filed_by_next = next.file(filing("a")).await.unwrap().number;
        let change = desk.to_review(filed_by_next).await;
        desk.approve("ana", &change).await.unwrap();
        let by = |person: &str, key: &str| workflow_engine::engine::Request {
            actor: workflow_engine::values::Actor::Person(PersonId::from(person)),
            key: key.to_owned(),
            change: filed_by_next,
            command: approval(&change),
            notes: Vec::new(),
            completes: None,
        };
        next.handle(by("priya", "b")).await.unwrap();
        desk.engine.handle(by("tomas", "c")).await.unwrap();
        assert_eq!(
            desk.change(filed_by_next).await.state,
            workflow_engine::change::state::State::Approved
        );
        assert!(desk.engine.frozen().await.unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_moves_a_change_in_the_name_of_a_person_of_the_catalog() {
    for kind in BOTH {
        let Some(desk) = desk(kind).await else { continue };
        let number = newer(&desk).file(filing("k")).await.unwrap().number;
        for (words, complaint) in [
            ("--change 1 --to 1 --by nobody", "the catalog has no such person"),
            ("--change 1 --to 1", "--by <PERSON>"),
            ("--change 9 --to 1 --by ana", "there is no change #9"),
            ("--change 1 --to 7 --by ana", "cannot move #1 to version 7"),
        ] {
            let said = governor_migrate(&desk, words).await.unwrap_err();
            assert!(said.contains(complaint), "{words}: {said}");
        }
        governor_migrate(&desk, "--change 1 --to 1 --by ana")
            .await
            .unwrap();
        let events = store::changes::events(desk.engine.db(), desk.change(number).await.id.as_str()).await;
        let moved = events.unwrap().pop().unwrap();
        assert_eq!((moved.kind.as_str(), moved.actor.as_str()), ("migrated", "ana"));
        desk.person("maya", number, Command::Withdraw).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_a_frozen_change_has_no_forms_and_says_why() {
    let web = web().await;
    web.desk.file("carried").await.unwrap();
    newer(&web.desk).file(filing("frozen")).await.unwrap();
    let mut maya = web.signed_in("maya").await;
    let forms = |page: &str| page.matches("action=\"/changes/").count();
    let carried = maya.page("/changes/1").await;
    assert!(forms(&carried) >= 2, "a comment, and to withdraw it");
    let frozen = maya.page("/changes/2").await;
    assert_eq!(forms(&frozen), 0, "{frozen}");
    for words in [
        "follows version 2 of the rules, and this program carries version 1",
        "governor migrate --change 2 --to 1 --by PERSON",
        "Nothing can be recorded here now",
    ] {
        assert!(frozen.contains(words), "{words}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_moves_a_change_to_other_rules_and_it_is_an_event() {
    for kind in BOTH {
        let Some(desk) = desk(kind).await else { continue };
        let next = newer(&desk);
        let number = next.file(filing("k")).await.unwrap().number;
        let ana = PersonId::from("ana");
        desk.engine.migrate_change(number, 1, ana.clone()).await.unwrap();
        desk.person("maya", number, Command::Withdraw).await.unwrap();
        let events = store::changes::events(desk.engine.db(), desk.change(number).await.id.as_str()).await;
        let moved = &events.unwrap()[2];
        assert_eq!((moved.kind.as_str(), moved.actor.as_str()), ("migrated", "ana"));
        let refused = desk.engine.migrate_change(number, 2, ana.clone()).await;
        assert!(
            matches!(&refused, Err(HandleError::Refused(refusal)) if refusal.code == RefusalCode::Frozen),
            "{refused:?}"
        );
        let ended = next.migrate_change(number, 2, ana).await;
        assert!(
            matches!(&ended, Err(HandleError::Refused(refusal)) if refusal.code == RefusalCode::Closed),
            "{ended:?}"
        );
    }
}

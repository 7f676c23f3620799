//! A backup is taken while the service runs, taken in by either database, and found out when it was touched or is old.

use std::{path::Path, sync::Arc};

use bot::{
    commands_cli::{Format, backup, restore},
    storage,
};
use clap::Parser;
use tests::{
    db::{BOTH, Fresh, Kind, fresh},
    desk::{Desk, desk, log_key},
};
use workflow_engine::{
    engine::{Engine, ledger::Ledger, seal::Sealer},
    ports::clock::Clock,
    values::ChangeNumber,
};

#[derive(Parser)]
enum Program {
    Backup(backup::Args),
    Restore(restore::Args),
}

/// Runs a command line; gives stdout and the exit code, or the line on stderr and 2.
async fn governor(line: &str) -> (String, u8) {
    let words = std::iter::once("governor").chain(line.split(' '));
    match Program::parse_from(words) {
        Program::Backup(args) => match backup::answer(&args, Format::Text).await {
            Ok(said) => (said, 0),
            Err(error) => (format!("{error:#}"), 2),
        },
        Program::Restore(args) => match restore::answer(&args, Format::Text).await {
            Ok((said, newest)) => (said, u8::from(!newest)),
            Err(error) => (format!("{error:#}"), 2),
        },
    }
}

/// `--config` of a database, with the log's key beside it as a secret store would give it.
fn config(at: &Fresh) -> String {
    let folder = at.folder.path();
    let (file, key) = (folder.join("governor.toml"), folder.join("log.pem"));
    std::fs::write(&key, secrecy::ExposeSecret::expose_secret(&log_key().to_pem())).unwrap();
    let text = format!(
        "[server]\ndata_dir = \"{0}\"\n[database]\nurl = \"{1}\"\n[ledger]\norigin = \"governor.test/ledger\"\n\
         signing_key = \"\"\"\n{2}\"\"\"\n",
        folder.join("data").display(),
        at.url,
        std::fs::read_to_string(&key).unwrap()
    );
    std::fs::write(&file, text).unwrap();
    format!("--config {}", file.display())
}

async fn seal(desk: &Desk) {
    let sealer = Sealer::new(desk.engine.db().clone(), Arc::new(log_key()), "one");
    sealer.seal_once(desk.clock.now()).await.unwrap();
}

/// A desk whose change #1 was approved by three, sealed; and a backup of it.
async fn backed_up(kind: Kind) -> Option<(Desk, std::path::PathBuf)> {
    let desk = desk(kind).await?;
    let number = desk.file("first").await.unwrap().number;
    let change = desk.to_review(number).await;
    for person in ["ana", "priya", "tomas"] {
        desk.approve(person, &change).await.unwrap();
    }
    seal(&desk).await;
    let out = desk.fresh.folder.path().join("governor.backup");
    let (said, code) = governor(&format!("backup --out {} {}", out.display(), config(&desk.fresh))).await;
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("Its ledger holds: 10 entries, root "), "{said}");
    Some((desk, out))
}

async fn restored(file: &Path, to: &Fresh) -> (String, u8) {
    governor(&format!("restore {} {}", file.display(), config(to))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_either_database_goes_into_either_and_work_goes_on_there() {
    for from in BOTH {
        let Some((desk, file)) = backed_up(from).await else {
            continue;
        };
        for to in BOTH {
            let Some(target) = fresh(to).await else { continue };
            let (said, code) = restored(&file, &target).await;
            assert!(
                code == 0 && said.contains("The ledger holds: 10 entries"),
                "{said}"
            );

            let db = storage::open(&target.url, 4).await.unwrap();
            let ledger = Ledger::new(db.clone(), log_key().public().clone());
            assert!(ledger.verify().await.unwrap().holds);
            let there = Desk {
                engine: Engine::new(db, Arc::new(desk.clock.clone())),
                clock: desk.clock.clone(),
                fresh: target,
            };
            assert_eq!(
                there.change(ChangeNumber(1)).await,
                desk.change(ChangeNumber(1)).await
            );
            // Keys still answer, numbers and rows go on counting.
            let again = there.file("first").await.unwrap();
            assert!(again.repeated);
            let second = there.file("second").await.unwrap();
            assert_eq!(second.number, ChangeNumber(2));
            seal(&there).await;
            assert!(ledger.verify().await.unwrap().holds);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_not_put_over_what_is_there() {
    let (desk, file) = backed_up(Kind::Sqlite).await.unwrap();
    let line = format!("backup --out {} {}", file.display(), config(&desk.fresh));
    let (said, code) = governor(&line).await;
    assert!(
        code == 2 && said.contains("is there already; choose another name"),
        "{said}"
    );
    for kind in BOTH {
        let Some(used) = tests::desk::desk(kind).await else {
            continue;
        };
        let Desk { engine, fresh, .. } = used;
        // SQLite serves one process at a time.
        drop(engine);
        tokio::task::yield_now().await;
        let (said, code) = restored(&file, &fresh).await;
        assert_eq!(code, 2);
        assert!(
            said.contains("in use already") || said.contains("another governor uses"),
            "{said}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_touched_backup_is_refused_and_nothing_is_written() {
    let (_desk, file) = backed_up(Kind::Sqlite).await.unwrap();
    let target = fresh(Kind::Sqlite).await.unwrap();
    let rewritten = target.folder.path().join("rewritten.backup");

    // A vote is taken out and every digest of the file made to fit: only the ledger knows.
    let mut unpacked = bot::backup::unpack(&file).unwrap();
    let event = unpacked
        .manifest
        .tables
        .iter_mut()
        .find(|content| content.table.name == "event")
        .unwrap();
    event.sha256 = "00".repeat(32);
    bot::backup::write(&unpacked, &rewritten).unwrap();
    let (said, code) = restored(&rewritten, &target).await;
    assert!(
        code == 2 && said.contains("table event is not what was backed up"),
        "{said}"
    );

    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&rewritten, &bytes[..bytes.len() / 2]).unwrap();
    let (said, code) = restored(&rewritten, &target).await;
    assert!(
        code == 2 && said.contains("is no backup of governor, or was cut short"),
        "{said}"
    );
    assert!(!target.folder.path().join("governor.db").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_copy_is_noticed_by_a_checkpoint_that_others_hold() {
    let (desk, file) = backed_up(Kind::Sqlite).await.unwrap();
    desk.file("later").await.unwrap();
    seal(&desk).await;
    let ledger = Ledger::new(desk.engine.db().clone(), log_key().public().clone());
    let seen = desk.fresh.folder.path().join("seen-in-chat");
    std::fs::write(&seen, ledger.checkpoint().await.unwrap().unwrap().to_text()).unwrap();

    let target = fresh(Kind::Sqlite).await.unwrap();
    let line = format!(
        "restore {} --checkpoint {} {}",
        file.display(),
        seen.display(),
        config(&target)
    );
    let (said, code) = governor(&line).await;
    assert_eq!(code, 1);
    assert!(said.contains("Beware: others have seen 12 entries"), "{said}");
}

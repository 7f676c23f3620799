//! SQLite on a disk that is full: said clearly, nothing acknowledged lost, and it goes on when there is room again.

use std::{fs::File, io::Write, path::PathBuf, sync::Arc};

use sea_orm::{ConnectionTrait, Database, DbBackend, Statement};
use tests::{
    catalog,
    clock::TestClock,
    db::{Fresh, open},
    desk::{Desk, filing},
};
use workflow_engine::{
    engine::{Engine, HandleError},
    store::{self, error::StoreError},
    values::Actor,
};

use super::child;

#[test]
fn a_full_disk_is_said_and_costs_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let mount = format!(
        "mount -t tmpfs -o size=8m none {0} && exec \"$@\"",
        folder.path().display()
    );
    let wrapper = ["unshare", "--mount", "--map-root-user", "sh", "-c", &mount, "sh"];
    let place = folder.path().display().to_string();
    let name = "limits::disk_full::on_a_disk_of_eight_megabytes";
    let done = child(&wrapper, name, &[("GOVERNOR_SMALL_DISK", &place)])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    let errors = String::from_utf8_lossy(&done.stderr);
    if said.is_empty() {
        println!(
            "skipped: this machine lets us mount no small disk ({})",
            errors.trim()
        );
        return;
    }
    assert!(done.status.success(), "{said}{errors}");
    for line in said.lines().filter(|line| line.starts_with("full disk")) {
        println!("{line}");
    }
}

/// Run by the test above in a process and a mount of its own.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the small disk that another test gives it"]
async fn on_a_disk_of_eight_megabytes() {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests are configured by the environment"
    )]
    let Ok(place) = std::env::var("GOVERNOR_SMALL_DISK").map(PathBuf::from) else {
        return;
    };
    let desk = desk_in(&place).await;
    let mut acknowledged = vec!["first".to_owned()];
    desk.file("first").await.unwrap();

    // Fill all but a little of it, then go on until it says no.
    let ballast = place.join("ballast");
    fill(&ballast, 1_200_000);
    let (refused, error) = loop {
        let key = format!("k{}", acknowledged.len());
        match desk.file(&key).await {
            Ok(_) => acknowledged.push(key),
            Err(error) => break (key, error),
        }
        assert!(acknowledged.len() < 5_000, "the disk was never full");
    };
    let HandleError::Store(StoreError::Unavailable(why)) = &error else {
        panic!("a full disk is told as {error:?}");
    };
    assert!(
        why.contains("free space") && why.contains("nothing that was acknowledged is lost"),
        "{why}"
    );
    for n in 0..3 {
        assert!(
            desk.file(&format!("while full {n}")).await.is_err(),
            "it keeps saying so"
        );
    }

    std::fs::remove_file(&ballast).unwrap();
    for key in acknowledged.iter().chain([&refused]) {
        let again = desk.engine.file(filing(key)).await.unwrap();
        assert_eq!(again.repeated, *key != refused, "{key}");
    }
    let changes = store::changes::newest(desk.engine.db(), None, 10_000)
        .await
        .unwrap();
    assert_eq!(changes.len(), acknowledged.len() + 1);
    let beside = Database::connect(&desk.fresh.url).await.unwrap();
    let check = Statement::from_string(DbBackend::Sqlite, "PRAGMA integrity_check");
    let found = beside.query_one_raw(check).await.unwrap().unwrap();
    assert_eq!(found.try_get::<String>("", "integrity_check").unwrap(), "ok");
    println!(
        "full disk: {} acknowledged before it was full, 0 lost, on it went",
        acknowledged.len()
    );
}

fn fill(ballast: &PathBuf, leave: u64) {
    let mut file = File::create(ballast).unwrap();
    let mut written = 0;
    while file.write_all(&[0; 4096]).is_ok() {
        written += 4096;
    }
    file.set_len(written - leave).unwrap();
}

async fn desk_in(place: &std::path::Path) -> Desk {
    let fresh = Fresh {
        url: format!("sqlite://{}", place.join("governor.db").display()),
        folder: tempfile::tempdir().unwrap(),
    };
    let clock = TestClock::default();
    let engine = Engine::new(open(&fresh).await, Arc::new(clock.clone()));
    let tests = Actor::Service("tests".to_owned());
    engine.apply_catalog(&catalog::small(), &tests).await.unwrap();
    Desk { engine, clock, fresh }
}

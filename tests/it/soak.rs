//! The soak's short forms: replicas of the real program, broken in every way for less than a minute, and nothing lost.

use std::time::Duration;

use tests::{
    db::Kind,
    soak::{Plan, program, run},
};

/// Runs it and prints what happened; on a fault everything that was written stays, and its place is said.
async fn soak(kind: Kind, replicas: usize, seconds: u64) {
    let home = tempfile::tempdir().unwrap();
    let plan = Plan {
        program: program().unwrap(),
        kind,
        replicas,
        time: Duration::from_secs(seconds),
        seed: 20_261_124,
        home: home.path().to_owned(),
    };
    let Some(report) = run(&plan).await.unwrap() else {
        println!("skipped: no PostgreSQL server here; apt-get install postgresql-15 brings one");
        return;
    };
    println!("{report}");
    if !report.holds() {
        panic!(
            "rules do not hold; logs are in {}\n{report}",
            home.keep().display()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_replicas_lose_nothing_while_everything_breaks() {
    soak(Kind::Postgres, 3, 45).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_replica_on_sqlite_loses_nothing_when_it_is_killed() {
    soak(Kind::Sqlite, 1, 20).await;
}

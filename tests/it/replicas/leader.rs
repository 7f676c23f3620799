//! Work of one replica at a time: schedules by the fenced row, migrations by the lock of their transaction.

use bot::jobs::schedule::Schedules;
use chrono::TimeDelta;
use futures_util::future::join_all;
use tests::{
    clock::TestClock,
    db::{BOTH, Kind, fresh, leases_run_out},
    desk::{Desk, desk},
    replica::{Replica, start},
};
use workflow_engine::{
    engine::Engine,
    ports::clock::Clock,
    store::{
        self,
        commit::JobRow,
        error::StoreError,
        singleton::{give_up, hold},
    },
    values::JobId,
};

use super::another;

fn schedules(engine: &Engine) -> Schedules {
    let lines = bot::config::Config::defaults().unwrap().schedule;
    Schedules::new(engine.clone(), &lines).unwrap()
}

fn chore(desk: &Desk, name: &str) -> JobRow {
    JobRow {
        id: JobId(desk.clock.new_id().to_string()),
        event_n: 0,
        kind: "housekeeping",
        lane: None,
        dedup: Some(name.to_owned()),
        payload: "{}".to_owned(),
        due_at: 0,
        max_attempts: 1,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_and_one_cron_line_ask_once_and_the_second_takes_over_within_a_lease() {
    let Some(desk) = desk(Kind::Postgres).await else {
        return;
    };
    let (mut leader, mut standby) = (schedules(&desk.engine), schedules(&another(&desk).await));
    assert_eq!(leader.tick().await.unwrap(), 6, "one for each line");
    assert_eq!(standby.tick().await.unwrap(), 0);
    // The leader falls silent; a week goes by, looked at by the other one only.
    desk.clock.advance(TimeDelta::days(7));
    leases_run_out(desk.engine.db()).await;
    assert_eq!(standby.tick().await.unwrap(), 6);
    assert_eq!(leader.tick().await.unwrap(), 0, "it has the schedules no more");
    let digests = store::digests::newest(desk.engine.db(), 10).await.unwrap();
    assert_eq!(digests.len(), 2, "one for each week");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_wakes_up_late_writes_nothing() {
    for kind in BOTH {
        let Some(desk) = desk(kind).await else { continue };
        let db = desk.engine.db();
        let lease = TimeDelta::seconds(30);
        let now = || desk.clock.now();
        let slept = hold(db, "schedules", "a", now(), lease).await.unwrap().unwrap();
        assert!(hold(db, "schedules", "b", now(), lease).await.unwrap().is_none());
        leases_run_out(db).await;
        let other = hold(db, "schedules", "b", now(), lease).await.unwrap().unwrap();
        let refused = store::queue::enqueue_fenced(db, chore(&desk, "late"), 0, slept).await;
        assert!(matches!(refused, Err(StoreError::Contended)), "{refused:?}");
        let digest = desk.engine.ask_for_digest(now(), Some(slept)).await;
        assert!(matches!(digest, Err(StoreError::Contended)), "{digest:?}");
        assert!(
            store::queue::enqueue_fenced(db, chore(&desk, "in time"), 0, other)
                .await
                .unwrap()
        );

        // One that ends in order leaves it to the next at once.
        give_up(db, other).await.unwrap();
        assert!(hold(db, "schedules", "a", now(), lease).await.unwrap().is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_replicas_that_start_on_an_empty_database_migrate_it_once_and_all_get_ready() {
    let Some(database) = fresh(Kind::Postgres).await else {
        return;
    };
    let clock = TestClock::default();
    let starting = (0..3).map(|_| Replica::start(start(&database, &clock)));
    let replicas = join_all(starting).await;
    for replica in &replicas {
        let ready = replica.get("", "/health/ready").await;
        assert_eq!(
            (ready.status.as_u16(), ready.body["status"].as_str()),
            (200, Some("ready"))
        );
    }
    let pending = bot::storage::pending(replicas[0].service.engine.db())
        .await
        .unwrap();
    assert!(pending.is_empty(), "{pending:?}");
    for replica in replicas {
        replica.service.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_services_tell_one_digest() {
    let Some(database) = fresh(Kind::Postgres).await else {
        return;
    };
    let clock = TestClock::default();
    let replicas = join_all((0..2).map(|_| Replica::start(start(&database, &clock)))).await;
    let db = replicas[0].service.engine.db().clone();
    let due = || async { store::digests::newest(&db, 10).await.unwrap().len() };
    for _ in 0..200 {
        if due().await > 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    for replica in replicas {
        replica.service.stop().await;
    }
    assert_eq!(due().await, 1);
}

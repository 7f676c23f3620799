//! Jobs between replicas: frozen workers, killed processes, dead letters.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use tests::{
    clock::TestClock,
    db::{BOTH, Kind, leases_run_out},
    desk::desk,
};
use tokio_util::sync::CancellationToken;
use workflow_engine::{
    engine::Engine,
    ports::clock::Clock,
    store::{claims, db::Db, queue::Wanted, singleton::hold},
    values::{Actor, PersonId},
};

use super::{Slow, admission, another, told};

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_stood_still_past_its_lease_is_refused_and_counted() {
    let Some(desk) = desk(Kind::Postgres).await else {
        return;
    };
    desk.file("k").await.unwrap();
    let stop = CancellationToken::new();
    let frozen = Slow::new(&desk.engine);
    let sleeper = frozen.runner();
    assert_eq!(sleeper.step(&stop).await.unwrap(), 1);
    frozen.begun.acquire().await.unwrap().forget();

    // Its lease runs out; no heartbeat comes from a process that stands still.
    let awake = Slow::new(&another(&desk).await);
    awake.may_end.add_permits(1);
    let other = awake.runner();
    assert_eq!(other.step(&stop).await.unwrap(), 0, "the lease still runs");
    leases_run_out(desk.engine.db()).await;
    assert_eq!(other.step(&stop).await.unwrap(), 1);
    other.settle().await;
    assert_eq!(told(&desk).await, ["filed", "submitted", "admitted"]);

    // It wakes up and says the same again: refused by its token, and counted.
    frozen.may_end.add_permits(1);
    sleeper.settle().await;
    assert_eq!(told(&desk).await, ["filed", "submitted", "admitted"]);
    assert_eq!(
        (
            desk.engine.counts().stale_results.so_far(),
            awake.engine.counts().stale_results.so_far()
        ),
        (1, 0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_whose_clock_is_ahead_takes_nothing_over_that_another_holds() {
    let Some(desk) = desk(Kind::Postgres).await else {
        return;
    };
    desk.file("k").await.unwrap();
    let stop = CancellationToken::new();
    let holder = Slow::new(&desk.engine);
    let runner = holder.runner();
    assert_eq!(runner.step(&stop).await.unwrap(), 1);
    holder.begun.acquire().await.unwrap().forget();

    let ahead = TestClock::default();
    ahead.advance(TimeDelta::seconds(60));
    let db = Db::open(&desk.fresh.url, 4).await.unwrap();
    let hasty = Slow::new(&Engine::new(db, Arc::new(ahead.clone())));
    assert_eq!(
        hasty.runner().step(&stop).await.unwrap(),
        0,
        "it is two leases ahead"
    );
    holder.may_end.add_permits(1);
    runner.settle().await;
    assert_eq!(told(&desk).await, ["filed", "submitted", "admitted"]);
    assert_eq!(desk.engine.counts().stale_results.so_far(), 0);

    // Nor does it take over what only one replica may do.
    let lease = TimeDelta::seconds(30);
    let (here, there) = (desk.engine.db(), hasty.engine.db());
    let held = hold(here, "schedules", "a", desk.clock.now(), lease).await;
    assert!(held.unwrap().is_some());
    let taken = hold(there, "schedules", "b", ahead.now(), lease).await;
    assert!(taken.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_kills_its_process_is_given_up_and_the_change_says_so() {
    for kind in BOTH {
        let Some(desk) = desk(kind).await else { continue };
        desk.file("k").await.unwrap();
        let wanted = Wanted {
            kinds: vec!["check_admission".to_owned()],
            definitions: (1, 1),
        };
        // A process takes it and is gone; nobody completes, fails or releases it.
        for killed in 1..=12 {
            let now = desk.clock.now().timestamp_millis();
            let taken = claims::claim(desk.engine.db(), &wanted, 8, now, 30_000)
                .await
                .unwrap();
            assert_eq!(taken[0].attempts, killed);
            leases_run_out(desk.engine.db()).await;
        }
        let slow = Slow::new(&desk.engine);
        let runner = slow.runner();
        assert_eq!(runner.step(&CancellationToken::new()).await.unwrap(), 1);
        runner.settle().await;
        assert_eq!(slow.begun.available_permits(), 0, "it is not run once more");
        assert_eq!(told(&desk).await, ["filed", "submitted", "job_died"]);

        // A person sends it again: an event with their name, and it starts from the first try.
        let dead = desk
            .engine
            .job_views(workflow_engine::store::views::Fate::Dead, None, 5)
            .await;
        let dead = dead.unwrap().items.remove(0);
        insta::allow_duplicates! {
            insta::assert_snapshot!(dead.last_error.unwrap(), @"tried too often; the last try ended with its process");
        }
        let ana = Actor::Person(PersonId::from("ana"));
        let id = workflow_engine::values::JobId(dead.id);
        assert!(desk.engine.send_again(&id, &ana).await.unwrap());
        assert!(!desk.engine.send_again(&id, &ana).await.unwrap(), "once");
        assert_eq!(told(&desk).await.last().unwrap(), "job_sent_again");
        slow.may_end.add_permits(1);
        assert_eq!(runner.step(&CancellationToken::new()).await.unwrap(), 1);
        runner.settle().await;
        assert_eq!(told(&desk).await.last().unwrap(), "admitted");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_hand_is_finished_before_the_runner_ends() {
    for kind in BOTH {
        let Some(desk) = desk(kind).await else { continue };
        desk.file("k").await.unwrap();
        let slow = Slow::new(&desk.engine);
        let (runner, stop) = (slow.runner(), CancellationToken::new());
        let running = tokio::spawn({
            let stop = stop.clone();
            async move { runner.run(stop).await }
        });
        slow.begun.acquire().await.unwrap().forget();
        stop.cancel();
        slow.may_end.add_permits(1);
        running.await.unwrap();
        assert_eq!(told(&desk).await, ["filed", "submitted", "admitted"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_too_long_is_given_back_uncounted_and_taken_up_at_once() {
    for kind in BOTH {
        let Some(desk) = desk(kind).await else { continue };
        desk.file("k").await.unwrap();
        let slow = Slow::new(&desk.engine);
        let runner = slow.runner().patient(Duration::from_millis(20));
        let stop = CancellationToken::new();
        stop.cancel();
        assert_eq!(runner.step(&stop).await.unwrap(), 1);
        slow.begun.acquire().await.unwrap().forget();
        runner.run(stop).await;
        let (tries, done, token) = admission(&desk).await;
        assert_eq!(
            (tries, done, token),
            (0, false, 2),
            "the void claim cannot come back"
        );

        let next = Slow::new(&desk.engine);
        next.may_end.add_permits(1);
        let other = next.runner();
        assert_eq!(other.step(&CancellationToken::new()).await.unwrap(), 1);
        other.settle().await;
        assert_eq!(told(&desk).await, ["filed", "submitted", "admitted"]);
    }
}

//! Wake-ups are hints: storms of them change nothing, and nothing times out early.

use std::{sync::Arc, time::Duration};

use bot::jobs::timers::Timers;
use sea_orm::{ConnectionTrait, Statement};
use tests::{
    db::{BOTH, Kind},
    desk::{Desk, desk},
};
use tokio_util::sync::CancellationToken;
use workflow_engine::{change::state::State, engine::jobs::Runner};

/// Tries of all jobs so far, and those that are done.
async fn tries(desk: &Desk) -> (i64, i64) {
    let db = desk.engine.db().reads();
    let sql = "SELECT coalesce(sum(attempts), 0) AS tries, count(done_at) AS done FROM job WHERE kind IN ('remind', 'escalate', 'expire')";
    let row = db
        .query_one_raw(Statement::from_string(db.get_database_backend(), sql))
        .await
        .unwrap()
        .unwrap();
    (
        row.try_get("", "tries").unwrap(),
        row.try_get("", "done").unwrap(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_wake_ups_fires_no_timer_and_the_deadline_fires_once() {
    for kind in BOTH {
        let Some(desk) = desk(kind).await else {
            continue;
        };
        let number = desk.file("k").await.unwrap().number;
        let before = desk.to_review(number).await;
        let (stop, engine) = (CancellationToken::new(), desk.engine.clone());
        let runners =
            [0, 1].map(|_| Runner::new(engine.clone(), vec![Arc::new(Timers::new(engine.clone()))]));
        let running = runners.map(|runner| {
            let stop = stop.clone();
            tokio::spawn(async move { runner.run(stop).await })
        });
        storm(&desk, kind).await;
        assert_eq!(
            desk.change(number).await,
            before,
            "nothing has happened on {kind:?}"
        );
        assert_eq!(tries(&desk).await, (0, 0), "nothing was even tried");

        desk.clock.advance(chrono::Duration::hours(73));
        while tries(&desk).await.1 < 3 {
            engine.wake().notify_waiters();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        storm(&desk, kind).await;
        let after = desk.change(number).await;
        assert_eq!(after.state, State::Expired);
        let events = workflow_engine::store::changes::events(desk.engine.db(), after.id.as_str())
            .await
            .unwrap();
        assert_eq!(events.iter().filter(|event| event.kind == "expired").count(), 1);
        stop.cancel();
        for task in running {
            task.await.unwrap();
        }
    }
}

/// Wakes everybody thousands of times by hand; on PostgreSQL with notifications on every name that could mean us, too.
async fn storm(desk: &Desk, kind: Kind) {
    for n in 0..2_000 {
        desk.engine.wake().notify_waiters();
        if n % 20 != 0 {
            tokio::task::yield_now().await;
            continue;
        }
        if kind == Kind::Postgres {
            let notify = "NOTIFY governor, 'expire'; NOTIFY job; NOTIFY change";
            desk.engine
                .db()
                .for_migrations()
                .execute_unprepared(notify)
                .await
                .unwrap();
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

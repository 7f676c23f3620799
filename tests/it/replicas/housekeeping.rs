//! What is kept for repeats, and for how long.

use std::sync::Arc;

use bot::jobs::housekeeping::{Housekeeping, KIND};
use chrono::TimeDelta;
use tests::{
    db::BOTH,
    desk::{Desk, desk},
};
use tokio_util::sync::CancellationToken;
use workflow_engine::{
    engine::jobs::Runner,
    ports::clock::Clock,
    store::{
        self,
        commit::JobRow,
        inbox::{Delivery, Stored, handled, insert},
    },
    values::JobId,
};

/// Another night.
async fn night(desk: &Desk) {
    let id = desk.clock.new_id().to_string();
    let now = desk.clock.now().timestamp_millis();
    let job = JobRow {
        dedup: Some(id.clone()),
        id: JobId(id),
        event_n: 0,
        kind: KIND,
        lane: None,
        payload: "{}".to_owned(),
        due_at: now,
        max_attempts: 1,
    };
    store::queue::enqueue(desk.engine.db(), job, now).await.unwrap();
    let runner = Runner::new(
        desk.engine.clone(),
        vec![Arc::new(Housekeeping::new(desk.engine.clone(), desk.vault()))],
    );
    assert_eq!(runner.step(&CancellationToken::new()).await.unwrap(), 1);
    runner.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_is_known_for_a_week_and_then_forgotten() {
    for kind in BOTH {
        let Some(desk) = desk(kind).await else { continue };
        let db = desk.engine.db();
        desk.file("k").await.unwrap();
        let now = desk.clock.now().timestamp_millis();
        let delivery = || Delivery {
            platform: "slack".to_owned(),
            delivery: "the same click".to_owned(),
            body: "{}".to_owned(),
            at: now,
            job: desk.clock.new_id().to_string(),
        };
        let Stored::New(seq) = insert(db, delivery()).await.unwrap() else {
            panic!("it is new");
        };
        handled(db, seq, now, "done").await.unwrap();

        desk.clock.advance(TimeDelta::hours(25));
        night(&desk).await;
        assert!(desk.file("k").await.unwrap().repeated);
        assert!(matches!(insert(db, delivery()).await.unwrap(), Stored::Known(..)));

        desk.clock.advance(TimeDelta::days(7));
        night(&desk).await;
        assert!(store::changes::answered(db, "k").await.unwrap().is_none());
        assert!(matches!(insert(db, delivery()).await.unwrap(), Stored::New(_)));
    }
}

//! The queue on both databases: claims and completions in batches, each job with its own fate, each lane in its order.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use sea_orm::ConnectionTrait;
use tests::{
    db::{BOTH, leases_run_out},
    desk::{Desk, desk},
};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use workflow_engine::{
    engine::jobs::{Handler, JobError, Runner},
    ports::clock::Clock,
    store::{
        claims::{self, Completed},
        commit::{JobRow, JobTicket},
        queue::{self, Job, Wanted},
    },
    values::JobId,
};

const LEASE: i64 = 30_000;

async fn desks() -> Vec<Desk> {
    let mut desks = Vec::new();
    for kind in BOTH {
        desks.extend(desk(kind).await);
    }
    desks
}

async fn enqueue(desk: &Desk, name: &str, lane: Option<&str>) {
    let job = JobRow {
        id: JobId(format!("job-{name}")),
        event_n: 0,
        kind: "note_down",
        lane: lane.map(str::to_owned),
        dedup: Some(name.to_owned()),
        payload: format!("\"{name}\""),
        due_at: now(desk),
        max_attempts: 3,
    };
    assert!(queue::enqueue(desk.engine.db(), job, now(desk)).await.unwrap());
}

fn wanted() -> Wanted {
    Wanted {
        kinds: vec!["note_down".to_owned()],
        definitions: (1, 1),
    }
}

async fn complete(desk: &Desk, tickets: &[JobTicket], wanted: &Wanted) -> Completed {
    claims::complete(desk.engine.db(), tickets, wanted, now(desk), LEASE)
        .await
        .unwrap()
}

async fn claim(desk: &Desk) -> Vec<Job> {
    let mut jobs = claims::claim(desk.engine.db(), &wanted(), 64, now(desk), LEASE)
        .await
        .unwrap();
    jobs.sort_by(|one, other| one.payload.cmp(&other.payload));
    jobs
}

fn now(desk: &Desk) -> i64 {
    desk.clock.now().timestamp_millis()
}

fn names(jobs: &[Job]) -> Vec<&str> {
    jobs.iter().map(|job| job.payload.trim_matches('"')).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_jobs_completed_together_only_the_one_with_a_void_claim_is_refused() {
    for desk in desks().await {
        for name in ["a", "b", "c"] {
            enqueue(&desk, name, None).await;
        }
        let first = claim(&desk).await;
        assert_eq!(names(&first), ["a", "b", "c"]);
        // Their leases run out, two of the three come alive in time, and somebody else takes the third over.
        leases_run_out(desk.engine.db()).await;
        let kept = [first[0].ticket.clone(), first[2].ticket.clone()];
        let void = claims::heartbeat(desk.engine.db(), &kept, now(&desk), LEASE)
            .await
            .unwrap();
        assert_eq!(void, []);
        let second = claim(&desk).await;
        assert_eq!(names(&second), ["b"]);
        let all: Vec<_> = first.iter().map(|job| job.ticket.clone()).collect();
        let mut accepted = complete(&desk, &all, &Wanted::default()).await.held;
        accepted.sort_by(|one, other| one.id.0.cmp(&other.id.0));
        assert_eq!(accepted, kept);
        let again = complete(&desk, &all, &Wanted::default()).await.held;
        assert_eq!(again, []);
        let other = [second[0].ticket.clone()];
        let accepted = complete(&desk, &other, &Wanted::default()).await.held;
        assert_eq!(accepted, other);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_takes_the_first_of_each_lane_and_everything_without_one() {
    for desk in desks().await {
        for (name, lane) in [
            ("a1", Some("a")),
            ("a2", Some("a")),
            ("b1", Some("b")),
            ("free", None),
            ("b2", Some("b")),
            ("a3", Some("a")),
        ] {
            enqueue(&desk, name, lane).await;
        }
        for expected in [vec!["a1", "b1", "free"], vec!["a2", "b2"], vec!["a3"], vec![]] {
            let jobs = claim(&desk).await;
            assert_eq!(names(&jobs), expected);
            assert!(claim(&desk).await.is_empty());
            let tickets: Vec<_> = jobs.iter().map(|job| job.ticket.clone()).collect();
            let accepted = complete(&desk, &tickets, &Wanted::default()).await.held;
            assert_eq!(accepted.len(), tickets.len());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_ends_a_job_is_given_the_next_of_its_lane() {
    for desk in desks().await {
        for (name, lane) in [("a1", "a"), ("b1", "b"), ("a2", "a"), ("a3", "a"), ("b2", "b")] {
            enqueue(&desk, name, Some(lane)).await;
        }
        let first = claim(&desk).await;
        assert_eq!(names(&first), ["a1", "b1"]);
        let tickets: Vec<_> = first.iter().map(|job| job.ticket.clone()).collect();
        // Of b's second job, somebody else knows the kind.
        desk.engine
            .db()
            .for_migrations()
            .execute_unprepared("UPDATE job SET kind = 'another' WHERE id = 'job-b2'")
            .await
            .unwrap();
        let completed = complete(&desk, &tickets, &wanted()).await;
        assert_eq!(completed.held.len(), 2);
        assert_eq!(names(&completed.next), ["a2"]);
        assert_eq!(
            (completed.next[0].attempts, completed.next[0].ticket.token),
            (1, 1)
        );
        assert!(claim(&desk).await.is_empty(), "a2 is taken, a3 waits for it");
        // What was ended already gives nothing, and a void claim neither.
        assert!(complete(&desk, &tickets, &wanted()).await.next.is_empty());
        leases_run_out(desk.engine.db()).await;
        assert_eq!(names(&claim(&desk).await), ["a2"], "taken over");
        let stale = [completed.next[0].ticket.clone()];
        let late = complete(&desk, &stale, &wanted()).await;
        assert!(late.held.is_empty() && late.next.is_empty());
    }
}

/// Notes down which jobs it was given, in their order.
struct NoteDown(Mutex<Vec<String>>);

#[async_trait]
impl Handler for NoteDown {
    fn kinds(&self) -> &'static [&'static str] {
        &["note_down"]
    }

    async fn run(&self, job: &Job, _stop: &CancellationToken) -> Result<(), JobError> {
        self.0.lock().await.push(job.payload.trim_matches('"').to_owned());
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_jobs_of_ten_lanes_run_once_each_and_in_the_order_of_their_lanes() {
    for desk in desks().await {
        for n in 0..10 {
            for lane in 0..10 {
                enqueue(&desk, &format!("{lane}.{n}"), Some(&format!("lane {lane}"))).await;
            }
        }
        let notes = Arc::new(NoteDown(Mutex::default()));
        let runner = Runner::new(desk.engine.clone(), vec![notes.clone()]);
        let stop = CancellationToken::new();
        while runner.step(&stop).await.unwrap() > 0 {
            runner.settle().await;
        }
        let mut lanes: HashMap<String, Vec<String>> = HashMap::new();
        for note in notes.0.lock().await.iter() {
            let (lane, n) = note.split_once('.').unwrap();
            lanes.entry(lane.to_owned()).or_default().push(n.to_owned());
        }
        assert_eq!(lanes.len(), 10);
        for (lane, order) in lanes {
            assert_eq!(order.join(""), "0123456789", "lane {lane}");
        }
    }
}

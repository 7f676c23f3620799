//! Calls can never delay an approval: other connections on PostgreSQL, another file on SQLite.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use sea_orm_migration::MigratorTrait;
use tests::{
    db::{BOTH, Kind},
    desk::{Desk, desk},
    script::{Courier, Insisting, Script, play},
};
use tokio_util::sync::CancellationToken;
use workflow_engine::{
    change::state::State,
    engine::{Outcome, Request, file::Filing},
    ports::clock::Clock,
    store::calls::CallStore,
    usage::{
        attribute::Rules,
        call::Call,
        price::{PriceBook, SHIPPED, book::Origin},
        report::{Delivery, Report},
    },
};

/// Where the calls of this desk are: the same database on PostgreSQL, a file beside it on SQLite.
fn calls_url(desk: &Desk, kind: Kind) -> String {
    match kind {
        Kind::Sqlite => format!("sqlite://{}", desk.fresh.folder.path().join("calls.db").display()),
        Kind::Postgres => desk.fresh.url.clone(),
    }
}

async fn calls_of(desk: &Desk, kind: Kind) -> CallStore {
    let store = CallStore::open(&calls_url(desk, kind), 3, Arc::new(desk.clock.clone()))
        .await
        .unwrap();
    migrations::calls::Migrator::up(&store.for_migrations(), None)
        .await
        .unwrap();
    store.prepare().await.unwrap();
    store
}

async fn rules(desk: &Desk) -> Arc<Rules> {
    let mut prices = PriceBook::default();
    prices.add_map(Origin::List, SHIPPED).unwrap();
    let (_, catalog) = desk.engine.catalog().await.unwrap();
    Arc::new(Rules::of(&catalog, prices))
}

fn delivery(desk: &Desk, name: &str, calls: i64) -> Delivery {
    let reports = (0..calls).map(|n| {
        let at = desk.clock.now() - TimeDelta::milliseconds(n);
        let mut call = Call::new("tests", &format!("{name} {n}"), at);
        call.provider = Some("openai".to_owned());
        call.route_model = Some("gpt-4o-2024-05-13".to_owned());
        call.input_tokens = Some(1_000);
        call.output_tokens = Some(100);
        call.tags = vec!["workflow:support-answer".to_owned()];
        Report { call, content: None }
    });
    Delivery {
        reports: reports.collect(),
        ..Delivery::default()
    }
}

/// Holds what every write of calls needs, until the connection goes.
async fn hold_calls(desk: &Desk, kind: Kind) -> DatabaseConnection {
    let options = sea_orm::ConnectOptions::new(calls_url(desk, kind))
        .max_connections(1)
        .to_owned();
    let holder = Database::connect(options).await.unwrap();
    let sql = match kind {
        Kind::Sqlite => "BEGIN IMMEDIATE",
        Kind::Postgres => "BEGIN; LOCK TABLE call IN ACCESS EXCLUSIVE MODE",
    };
    holder.execute_unprepared(sql).await.unwrap();
    holder
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_goes_from_filing_to_its_end_while_no_call_can_be_stored() {
    for kind in BOTH {
        let Some(desk) = desk(kind).await else {
            continue;
        };
        let (calls, rules) = (calls_of(&desk, kind).await, rules(&desk).await);
        let holder = hold_calls(&desk, kind).await;
        // More deliveries than there are connections for calls: each of those is taken, and the rest waits.
        let stuck: Vec<_> = (0..12)
            .map(|n| {
                let (calls, rules, delivery) = (
                    calls.clone(),
                    rules.clone(),
                    delivery(&desk, &format!("d{n}"), 50),
                );
                tokio::spawn(async move { calls.record("tests", delivery, rules, 10_000).await })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(100)).await;
        let played = play(&desk, &Insisting(&desk.engine), Script::Completed, "k").await;
        assert_eq!(desk.change(played.number).await.state, State::Completed);
        assert!(
            stuck.iter().all(|delivery| !delivery.is_finished()),
            "the calls waited all the while"
        );
        holder.execute_unprepared("ROLLBACK").await.unwrap();
        for delivery in stuck {
            assert_eq!(
                delivery.await.unwrap().unwrap().new,
                50,
                "and were stored when they could be"
            );
        }
    }
}

/// Measures each command.
struct Timed<'desk> {
    desk: &'desk Desk,
    took: std::sync::Mutex<Vec<Duration>>,
}

impl Courier for Timed<'_> {
    async fn file(&self, filing: Filing) -> Outcome {
        Insisting(&self.desk.engine).file(filing).await
    }

    async fn send(&self, request: Request) -> Outcome {
        let begun = Instant::now();
        let outcome = Insisting(&self.desk.engine).send(request).await;
        self.took.lock().unwrap().push(begun.elapsed());
        outcome
    }
}

/// p50 and p99 of the commands of so many requests, in milliseconds.
async fn latency(desk: &Desk, requests: usize, tag: &str) -> (f64, f64) {
    let courier = Timed {
        desk,
        took: std::sync::Mutex::default(),
    };
    for n in 0..requests {
        play(desk, &courier, Script::Expired, &format!("{tag} {n}")).await;
    }
    let mut took = courier.took.into_inner().unwrap();
    took.sort();
    let at = |share: usize| took[took.len() * share / 100].as_secs_f64() * 1e3;
    (at(50), at(99))
}

/// The figure for docs/benchmarks.md: commands of approvals, alone and beside as many calls as are taken.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a figure, not a test: cargo test -p tests apart:: -- --ignored --nocapture"]
async fn latency_of_approvals_with_and_without_calls() {
    for kind in BOTH {
        let Some(desk) = desk(kind).await else {
            continue;
        };
        let (calls, rules) = (calls_of(&desk, kind).await, rules(&desk).await);
        latency(&desk, 20, "warm").await;
        let alone = latency(&desk, 100, "alone").await;
        let stop = CancellationToken::new();
        let lanes: Vec<_> = (0..4)
            .map(|lane| {
                let (calls, rules, stop) = (calls.clone(), rules.clone(), stop.clone());
                let bodies: Vec<_> = (0..200)
                    .map(|n| delivery(&desk, &format!("l{lane} {n}"), 200))
                    .collect();
                tokio::spawn(async move {
                    let mut stored = 0;
                    for body in bodies {
                        if stop.is_cancelled() {
                            break;
                        }
                        stored += calls
                            .record("tests", body, rules.clone(), 50_000)
                            .await
                            .unwrap()
                            .new;
                    }
                    stored
                })
            })
            .collect();
        let begun = Instant::now();
        let beside = latency(&desk, 100, "beside").await;
        let seconds = begun.elapsed().as_secs_f64();
        stop.cancel();
        let mut stored = 0;
        for lane in lanes {
            stored += lane.await.unwrap();
        }
        println!(
            "{kind:?}: alone p50 {:.1} p99 {:.1} ms; beside {:.0} calls/s p50 {:.1} p99 {:.1} ms; p99 ratio {:.2}",
            alone.0,
            alone.1,
            stored as f64 / seconds,
            beside.0,
            beside.1,
            beside.1 / alone.1
        );
    }
}

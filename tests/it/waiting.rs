//! Waiting costs nothing: 10,000 requests that wait for people take no memory, no statements and no time at a start.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use bot::{
    config::Config,
    service::{Service, Start},
};
use sea_orm::{ConnectionTrait, Database, Statement};
use tests::{
    db::Kind,
    desk::{Desk, desk},
    proxy::Proxy,
};

use crate::limits::child;

/// How many wait.
const WAITING: u32 = 10_000;
/// How long an idle replica is looked at.
const WATCHED: Duration = Duration::from_secs(10);

/// What a replica needed while nothing happened.
#[derive(Debug)]
struct Idle {
    rounds_to_start: usize,
    start_ms: u128,
    resident_kb: i64,
    rounds_a_second: f64,
    rows_read_a_second: f64,
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_waiting_requests_cost_neither_memory_nor_statements() {
    let Some(desk) = desk(Kind::Postgres).await else {
        return;
    };
    let number = desk.file("one").await.unwrap().number;
    desk.to_review(number).await;
    let with_one = idle(&desk).await;
    copies(&desk).await;
    let with_all = idle(&desk).await;
    let each = (with_all.resident_kb - with_one.resident_kb) * 1024 / i64::from(WAITING);
    println!(
        "waiting: {WAITING} requests: {each} bytes of memory each; idle {:.1} rounds/s and {:.0} rows/s (with one: {:.1} \
         and {:.0}); ready after {} statements in {} ms (with one: {} in {} ms)",
        with_all.rounds_a_second,
        with_all.rows_read_a_second,
        with_one.rounds_a_second,
        with_one.rows_read_a_second,
        with_all.rounds_to_start,
        with_all.start_ms,
        with_one.rounds_to_start,
        with_one.start_ms
    );
    assert!(each < 1024, "{each} bytes for each waiting request");
    assert!(with_all.rounds_a_second <= 5.0, "{with_all:?}");
    assert!(
        with_all.rows_read_a_second < with_one.rows_read_a_second + 200.0,
        "{with_all:?} {with_one:?}"
    );
    assert!(
        with_all.rounds_to_start <= with_one.rounds_to_start + 10,
        "{with_all:?} {with_one:?}"
    );
}

/// A replica in a process of its own, behind a proxy that counts what it says to the database.
async fn idle(desk: &Desk) -> Idle {
    let proxy = Proxy::start(&desk.fresh.url).await;
    let folder = tempfile::tempdir().unwrap();
    let settings = folder.path().join("governor.toml");
    let text = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\ndata_dir = \"{}\"\n[database]\nurl = \"{}\"\n",
        folder.path().display(),
        proxy.url
    );
    std::fs::write(&settings, text).unwrap();
    let begun = Instant::now();
    let mut replica = child(
        &[],
        "waiting::a_replica",
        &[("GOVERNOR_IDLE", settings.to_str().unwrap())],
    )
    .stdin(Stdio::piped())
    .stdout(Stdio::piped())
    .spawn()
    .unwrap();
    until_ready(&mut replica);
    let (start_ms, rounds_to_start) = (begun.elapsed().as_millis(), proxy.rounds());
    // What a start does in the background ends; then nothing happens any more.
    tokio::time::sleep(Duration::from_secs(3)).await;
    // What it says itself: the server's own count has its vacuum workers in it, too.
    let before = (proxy.rounds() as i64, rows_read(desk).await);
    tokio::time::sleep(WATCHED).await;
    let after = (proxy.rounds() as i64, rows_read(desk).await);
    let resident_kb = resident_kb(replica.id());
    drop(replica.stdin.take());
    assert!(replica.wait().unwrap().success());
    let a_second = |before: i64, after: i64| (after - before) as f64 / WATCHED.as_secs_f64();
    Idle {
        rounds_to_start,
        start_ms,
        resident_kb,
        rounds_a_second: a_second(before.0, after.0),
        rows_read_a_second: a_second(before.1, after.1),
    }
}

fn until_ready(replica: &mut Child) {
    let lines = BufReader::new(replica.stdout.as_mut().unwrap()).lines();
    let ready = lines
        .map_while(Result::ok)
        .any(|line| line.contains("replica is ready"));
    assert!(ready, "the replica ended before it was ready");
}

/// Run by the test above in a process of its own: a whole service until its input ends.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a process of another test"]
async fn a_replica() {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests are configured by the environment"
    )]
    let Ok(settings) = std::env::var("GOVERNOR_IDLE") else {
        return;
    };
    let config = Config::load(Some(std::path::Path::new(&settings))).unwrap();
    let service = Service::start(Start::new(config.into())).await.unwrap();
    println!("replica is ready");
    let ended = tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()));
    ended.await.unwrap().unwrap();
    service.stop().await;
}

/// Transactions that were committed in the desk's database so far, and rows that were read there. The `ROLLBACK` with
/// which a connection comes back to its pool commits nothing.
/// Rows that the server has read for anybody.
async fn rows_read(desk: &Desk) -> i64 {
    let rows = "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint AS n FROM pg_stat_user_tables";
    one(&desk.fresh.url, rows).await
}

async fn one(url: &str, sql: &str) -> i64 {
    let db = Database::connect(url).await.unwrap();
    let statement = Statement::from_string(sea_orm::DbBackend::Postgres, sql);
    let row = db.query_one_raw(statement).await.unwrap().unwrap();
    row.try_get("", "n").unwrap()
}

fn resident_kb(process: u32) -> i64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// As many copies of the one change that waits, with the timers that it has.
async fn copies(desk: &Desk) {
    let db = desk.engine.db().for_migrations();
    let changes = format!(
        "INSERT INTO change SELECT (jsonb_populate_record(c, jsonb_build_object('id', 'w' || n, 'number', c.number + n,
           'body', replace(c.body, '\"id\":\"' || c.id || '\"', '\"id\":\"w' || n || '\"')))).*
         FROM change c, generate_series(1, {WAITING}) AS n"
    );
    let jobs = format!(
        "INSERT INTO job (id, change_id, event_n, kind, lane, dedup, payload, due_at, max_attempts, created_at)
         SELECT j.id || n, 'w' || n, j.event_n, j.kind, j.lane, j.dedup || n, j.payload, j.due_at, j.max_attempts, j.created_at
         FROM job j, generate_series(1, {WAITING}) AS n WHERE j.kind IN ('remind', 'escalate', 'expire')"
    );
    // The desk's clock stands still in 2026; for the replica's own clock nothing of this is due for years.
    let later =
        "UPDATE job SET due_at = due_at + 400000000000 WHERE kind IN ('remind', 'escalate', 'expire')";
    for sql in [later, &changes, &jobs, "ANALYZE"] {
        db.execute_unprepared(sql).await.unwrap();
    }
}

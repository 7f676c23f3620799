//! Every metric by name. `governor_<noun>_<unit>[_total]`; nothing else in the program names one.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use workflow_engine::{
    engine::counts::Counts,
    store::gauges::{Gauges, KindGauge},
};

/// Jobs that wait for their time or run, by kind.
const JOBS_OPEN: &str = "governor_jobs_open";
/// Of them, those that are due and unclaimed.
const JOBS_DUE: &str = "governor_jobs_due";
/// How long the oldest of those has been due.
const JOBS_LATE: &str = "governor_jobs_oldest_due_seconds";
/// Jobs that were given up and wait for a person.
const JOBS_DEAD: &str = "governor_jobs_dead";
/// Entries under the largest head that a witness cosigned.
const WITNESSED: &str = "governor_ledger_witnessed_entries";
/// 1 when a witness holds another or a larger ledger than ours.
const WITNESS_ALARM: &str = "governor_ledger_witness_alarm";
/// 1 when a witness did not cosign when it was last asked.
const WITNESS_TROUBLE: &str = "governor_ledger_witness_trouble";
/// Events that are not sealed yet.
const UNSEALED: &str = "governor_ledger_unsealed";
/// How long the oldest of those has waited.
const SEAL_LAG: &str = "governor_seal_lag_seconds";
/// Connections of governance: used, and the limit.
const CONNECTIONS: &str = "governor_database_connections";
/// Commands by outcome.
const COMMANDS: &str = "governor_commands_total";
/// Commands that were decided anew.
const CONFLICTS: &str = "governor_command_conflicts_total";
/// Times the database's log was synced to disk.
const SYNCS: &str = "governor_database_syncs_total";
/// Jobs that ended well.
const JOBS_DONE: &str = "governor_jobs_done_total";
/// Tries that will be repeated.
const JOBS_RETRIED: &str = "governor_jobs_retried_total";
/// Jobs that this process gave up.
const JOBS_GIVEN_UP: &str = "governor_jobs_dead_total";
/// Claims that ran out while at work.
const LEASES_LOST: &str = "governor_leases_lost_total";
/// Results that came too late.
const STALE_RESULTS: &str = "governor_stale_results_total";
/// Calls that were reported, by source.
const CALLS_RECEIVED: &str = "governor_calls_received_total";
/// Of them, those that cannot be read.
const CALLS_REJECTED: &str = "governor_calls_rejected_total";
/// Bytes of logs and metrics that were taken and dropped.
const OTLP_DROPPED: &str = "governor_otlp_dropped_bytes_total";
/// Requests that gateways asked about, by answer: `allowed`, `reported` (outside the policy, which only watches), `stopped`.
const DECISIONS: &str = "governor_hook_decisions_total";
/// HTTP requests by route, method and status.
const HTTP_REQUESTS: &str = "governor_http_requests_total";
/// Their duration.
const HTTP_SECONDS: &str = "governor_http_request_seconds";

/// Starts recording, once a process. `None` when something records already (a second service in one test process).
#[must_use]
pub fn install() -> Option<PrometheusHandle> {
    let buckets = [
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
    ];
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full(HTTP_SECONDS.to_owned()), &buckets)
        .ok()?;
    let handle = builder.install_recorder().ok()?;
    describe_gauge!(JOBS_OPEN, "Jobs that wait for their time or run, by kind");
    describe_gauge!(JOBS_DUE, "Jobs that are due and unclaimed, by kind");
    describe_gauge!(
        JOBS_LATE,
        "Seconds that the oldest due job of a kind has been due"
    );
    describe_gauge!(JOBS_DEAD, "Jobs that were given up and wait for a person");
    describe_gauge!(
        WITNESSED,
        "Entries under the largest head that a witness cosigned"
    );
    describe_gauge!(
        WITNESS_ALARM,
        "1 when a witness holds another or a larger ledger than ours"
    );
    describe_gauge!(
        WITNESS_TROUBLE,
        "1 when a witness did not cosign when it was last asked"
    );
    describe_gauge!(UNSEALED, "Events that are not sealed yet");
    describe_gauge!(SEAL_LAG, "Seconds that the oldest unsealed event has waited");
    describe_gauge!(CONNECTIONS, "Connections of governance: used, and the limit");
    describe_counter!(COMMANDS, "Commands by outcome: applied, repeated, refused");
    describe_counter!(
        CONFLICTS,
        "Commands that were decided anew because another was faster"
    );
    describe_counter!(
        SYNCS,
        "Times the database's log was synced to disk; commits share them"
    );
    describe_counter!(JOBS_DONE, "Jobs that ended well");
    describe_counter!(JOBS_RETRIED, "Tries of jobs that will be repeated");
    describe_counter!(JOBS_GIVEN_UP, "Jobs that this process gave up");
    describe_counter!(LEASES_LOST, "Claims that ran out while at work");
    describe_counter!(
        STALE_RESULTS,
        "Results that came after their claim had run out and were dropped"
    );
    describe_counter!(CALLS_RECEIVED, "Calls that were reported, by source");
    describe_counter!(CALLS_REJECTED, "Calls that cannot be read, by source");
    describe_counter!(
        OTLP_DROPPED,
        "Bytes of logs and metrics that were taken and dropped"
    );
    describe_counter!(
        DECISIONS,
        "Requests that gateways asked about, by answer: allowed, reported, stopped"
    );
    describe_counter!(HTTP_REQUESTS, "HTTP requests by route, method and status");
    describe_histogram!(HTTP_SECONDS, "Seconds from request to answer");
    Some(handle)
}

/// What stands where at this moment.
pub fn gauges(now: &Gauges) {
    for kind in &now.jobs {
        of_kind(kind);
    }
    // A kind that has no open jobs any more would keep its last figures for ever.
    let here = now.jobs.iter().map(|kind| kind.kind.clone()).collect();
    let mut seen = KINDS_SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    let before = std::mem::replace(&mut *seen, here);
    for kind in before.difference(&seen) {
        of_kind(&KindGauge {
            kind: kind.clone(),
            ..KindGauge::default()
        });
    }
    gauge!(JOBS_DEAD).set(now.dead as f64);
    gauge!(UNSEALED).set(now.unsealed as f64);
    gauge!(SEAL_LAG).set(now.seal_lag_ms as f64 / 1000.0);
    gauge!(CONNECTIONS, "state" => "limit").set(now.connections as f64);
    gauge!(CONNECTIONS, "state" => "used").set(now.used_connections as f64);
}

/// Kinds of jobs that the last look found.
static KINDS_SEEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

fn of_kind(jobs: &KindGauge) {
    let kind = || jobs.kind.clone();
    gauge!(JOBS_OPEN, "kind" => kind()).set(jobs.open as f64);
    gauge!(JOBS_DUE, "kind" => kind()).set(jobs.due as f64);
    gauge!(JOBS_LATE, "kind" => kind()).set(jobs.oldest_due_ms as f64 / 1000.0);
}

/// What this process has counted so far.
pub fn counts(so_far: &Counts, syncs: f64) {
    for (outcome, count) in [
        ("applied", &so_far.applied),
        ("repeated", &so_far.repeated),
        ("refused", &so_far.refused),
    ] {
        counter!(COMMANDS, "outcome" => outcome).absolute(count.so_far());
    }
    for (name, count) in [
        (CONFLICTS, &so_far.conflicts),
        (JOBS_DONE, &so_far.jobs_done),
        (JOBS_RETRIED, &so_far.retries),
        (JOBS_GIVEN_UP, &so_far.dead),
        (LEASES_LOST, &so_far.leases_lost),
        (STALE_RESULTS, &so_far.stale_results),
    ] {
        counter!(name).absolute(count.so_far());
    }
    counter!(SYNCS).absolute(syncs as u64);
}

/// Calls that `source` reported, and how many of them cannot be read.
pub fn calls(source: &str, received: u64, rejected: u64) {
    counter!(CALLS_RECEIVED, "source" => source.to_owned()).increment(received);
    counter!(CALLS_REJECTED, "source" => source.to_owned()).increment(rejected);
}

/// Logs or metrics that were taken and dropped.
pub fn dropped(bytes: u64) {
    counter!(OTLP_DROPPED).increment(bytes);
}

/// A gateway asked about a request: whether it may go on, and whether anything was found.
pub fn decision(allow: bool, found: bool) {
    let answer = match (allow, found) {
        (false, _) => "stopped",
        (true, true) => "reported",
        (true, false) => "allowed",
    };
    counter!(DECISIONS, "answer" => answer).increment(1);
}

/// Where a witness of the ledger stands.
pub fn witness(name: &str, entries: u64, trouble: bool, alarm: bool) {
    let labels = [("witness", name.to_owned())];
    gauge!(WITNESSED, &labels).set(entries as f64);
    gauge!(WITNESS_TROUBLE, &labels).set(f64::from(u8::from(trouble)));
    gauge!(WITNESS_ALARM, &labels).set(f64::from(u8::from(alarm)));
}

/// One answered request. `route` is the pattern, never the path, so that numbers and names do not make series.
pub fn request(route: &str, method: &str, status: u16, seconds: f64) {
    let labels = [
        ("route", route.to_owned()),
        ("method", method.to_owned()),
        ("status", status.to_string()),
    ];
    counter!(HTTP_REQUESTS, &labels).increment(1);
    histogram!(HTTP_SECONDS, "route" => route.to_owned()).record(seconds);
}

//! Every metric by name. `governor_<noun>_<unit>[_total]`; nothing else in the program names one.

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Jobs that wait for their time or run.
const JOBS_OPEN: &str = "governor_jobs_open";
/// Of them, those that are due.
const JOBS_DUE: &str = "governor_jobs_due";
/// Jobs that were given up.
const JOBS_DEAD: &str = "governor_jobs_dead";
/// Entries under the largest head that a witness cosigned.
const WITNESSED: &str = "governor_ledger_witnessed_entries";
/// 1 when a witness holds another or a larger ledger than ours.
const WITNESS_ALARM: &str = "governor_ledger_witness_alarm";
/// 1 when a witness did not cosign when it was last asked.
const WITNESS_TROUBLE: &str = "governor_ledger_witness_trouble";
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
    describe_gauge!(JOBS_OPEN, "Jobs that wait for their time or run");
    describe_gauge!(JOBS_DUE, "Jobs that are due now");
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
    describe_counter!(HTTP_REQUESTS, "HTTP requests by route, method and status");
    describe_histogram!(HTTP_SECONDS, "Seconds from request to answer");
    Some(handle)
}

/// How many jobs are open, due and dead.
pub fn jobs(open: u64, due: u64, dead: u64) {
    for (name, value) in [(JOBS_OPEN, open), (JOBS_DUE, due), (JOBS_DEAD, dead)] {
        gauge!(name).set(value as f64);
    }
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

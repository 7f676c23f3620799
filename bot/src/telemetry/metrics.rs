//! Every metric by name. `governor_<noun>_<unit>[_total]`; nothing else in the program names one.

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Jobs that wait for their time or run.
const JOBS_OPEN: &str = "governor_jobs_open";
/// Of them, those that are due.
const JOBS_DUE: &str = "governor_jobs_due";
/// Jobs that were given up.
const JOBS_DEAD: &str = "governor_jobs_dead";
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

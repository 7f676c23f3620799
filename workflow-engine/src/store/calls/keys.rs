//! What calls have in common, as numbers that an index can hold near each other: 24 bits of the hour, 39 of a digest.
//!
//! An index on random text grows cold everywhere; these keys of one hour lie together, so new ones always meet warm
//! pages. Two texts with one key do no harm: what is found is compared as text afterwards.

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest as _, Sha256};

use crate::usage::call::Call;
use crate::usage::merge::{ANSWER_WINDOW, TRACE_WINDOW};

/// The keys under which a report is found by others.
pub(super) fn own(report: &Call) -> Vec<i64> {
    texts(report)
        .into_iter()
        .map(|(mark, text, _)| key(mark, text, hour(report.started_at)))
        .collect()
}

/// The keys under which reports of the same call may stand.
pub(super) fn near(report: &Call) -> Vec<i64> {
    texts(report)
        .into_iter()
        .flat_map(|(mark, text, window)| {
            let hours = hour(report.started_at - window)..=hour(report.started_at + window);
            hours.map(move |hour| key(mark, text, hour))
        })
        .collect()
}

/// The keys of calls that may stand below a span of that trace and time.
pub(super) fn of_trace(trace: &str, from: DateTime<Utc>, until: DateTime<Utc>) -> Vec<i64> {
    // A span that seems to last for days is looked under for its last day.
    let from = from.max(until - TimeDelta::days(1)) - TRACE_WINDOW;
    (hour(from)..=hour(until))
        .map(|hour| key('t', trace, hour))
        .collect()
}

/// A text as a number, for tables that are small and forget soon.
pub(super) fn digest(text: &str) -> i64 {
    let hash = Sha256::digest(text.as_bytes());
    i64::from_be_bytes(std::array::from_fn(|n| hash[n]))
}

/// The smallest key of that hour.
pub(super) fn first_of(at: DateTime<Utc>) -> i64 {
    (hour(at) & 0xFF_FFFF) << 39
}

fn texts(report: &Call) -> Vec<(char, &str, TimeDelta)> {
    let mut out = Vec::with_capacity(3);
    if let Some(id) = &report.response_id {
        out.push(('r', id.as_str(), ANSWER_WINDOW));
    }
    if let Some(trace) = &report.trace_id {
        out.push(('t', trace.as_str(), TRACE_WINDOW));
    }
    if let Some(group) = report
        .call_group_id
        .as_ref()
        .filter(|group| report.trace_id.as_ref() != Some(group))
    {
        out.push(('g', group.as_str(), TRACE_WINDOW));
    }
    out
}

fn hour(at: DateTime<Utc>) -> i64 {
    at.timestamp().div_euclid(3600)
}

fn key(mark: char, text: &str, hour: i64) -> i64 {
    let mut hash = Sha256::new();
    hash.update([mark as u8]);
    hash.update(text.as_bytes());
    let hash = hash.finalize();
    let digest = i64::from_be_bytes(std::array::from_fn(|n| hash[n])) & ((1 << 39) - 1);
    ((hour & 0xFF_FFFF) << 39) | digest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_an_hour_lie_together_and_neighbours_look_over_the_hours_edge() {
        let mut call = Call::new("s", "r", "2026-11-23T05:57:34Z".parse().unwrap());
        call.response_id = Some("chatcmpl-1".to_owned());
        call.trace_id = Some("t".to_owned());
        call.call_group_id = Some("t".to_owned());
        let keys = own(&call);
        assert_eq!(keys.len(), 2, "a group that is the trace needs no key of its own");
        assert_eq!(keys[0] >> 39, keys[1] >> 39);
        let mut later = call.clone();
        later.started_at = "2026-11-23T06:05:00Z".parse().unwrap();
        assert!(near(&later).contains(&keys[0]) && near(&later).contains(&keys[1]));
        later.started_at = "2026-11-23T07:30:00Z".parse().unwrap();
        assert!(!near(&later).contains(&keys[1]));
    }
}

//! What must not happen even once: how often it did, and how often it could still happen given what was tested.

use serde::{Deserialize, Serialize};

use super::figures::{at_most, count};
use crate::shadow::{
    analysis::report::{Endpoint, Report},
    statistics::proportions::{clopper_pearson, zero_events_upper},
};

/// Checks whose every failure counts, with what a failure is in words.
const ZERO_TOLERANCE: [(&str, &str); 3] = [
    ("new_personal_data", "new personal data"),
    ("secret_leak", "leaked secret"),
    ("policy_violation", "breach of policy"),
];

/// Level of the one-sided limit: 0 of 300 gives at most 0.99 %.
const ALPHA: f64 = 0.05;

/// How often the candidate did what it must never do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Counter {
    /// The check.
    pub check: String,
    /// What a failure is, in words.
    pub what: String,
    /// Answers of the candidate that failed.
    pub events: u64,
    /// Answers of today's route that failed.
    pub today: u64,
    /// Answers of each arm.
    pub n: u64,
    /// The share of answers may still be this high (one-sided, 95 % sure).
    pub upper: f64,
}

/// The counters of a report: one for each zero-tolerance check that was made.
#[must_use]
pub fn counters(report: &Report) -> Vec<Counter> {
    ZERO_TOLERANCE
        .iter()
        .filter_map(|(check, what)| {
            let overall = |it: &&Endpoint| it.endpoint == *check && it.stratum.is_none();
            let counts = report.endpoints.iter().find(overall)?.counts?;
            let (events, n) = (counts.b + counts.d, counts.n());
            Some(Counter {
                check: (*check).to_owned(),
                what: (*what).to_owned(),
                events,
                today: counts.c + counts.d,
                n,
                upper: match events {
                    0 => zero_events_upper(n, ALPHA),
                    some => clopper_pearson(some, n, 2.0 * ALPHA).upper,
                },
            })
        })
        .collect()
}

impl Counter {
    /// `No new personal data in 1,240 answers (at most 0.25 %).`
    #[must_use]
    pub fn sentence(&self) -> String {
        let (n, limit) = (count(self.n), at_most(self.upper));
        match self.events {
            0 => format!("No {} in {n} answers (at most {limit}).", self.what),
            events => format!(
                "{} of {n} answers with {} (at most {limit}; today {}). Not one is allowed: accept it in so many words, or deny.",
                count(events),
                self.what,
                count(self.today)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::evidence::sample::may_to_august;

    fn report(counts: [u64; 4]) -> Report {
        let [a, b, c, d] = counts;
        let mut report = may_to_august();
        let check = json!({
            "endpoint": "new_personal_data", "stratum": null, "n": a + b + c + d, "a": a, "b": b, "c": c, "d": d,
            "estimate": 0.0, "interval": null, "method": "tango", "level": 0.95, "margin": null,
            "p_non_inferior": null, "outcome": null, "measurably_worse": false, "n_needed": null,
        });
        report.endpoints.push(serde_json::from_value(check).unwrap());
        report
    }

    #[test]
    fn nothing_in_300_still_leaves_one_percent_open() {
        let counters = counters(&report([300, 0, 0, 0]));
        assert!((counters[0].upper - 0.009_936).abs() < 1e-6, "{counters:?}");
        insta::assert_snapshot!(counters[0].sentence(), @"No new personal data in 300 answers (at most 1.00 %).");
    }

    #[test]
    fn a_single_event_is_said_with_its_limit_and_todays() {
        let counters = counters(&report([297, 2, 1, 0]));
        insta::assert_snapshot!(counters[0].sentence(), @"2 of 300 answers with new personal data (at most 2.1 %; today 1). Not one is allowed: accept it in so many words, or deny.");
    }

    #[test]
    fn a_check_that_was_not_made_has_no_counter() {
        assert_eq!(counters(&may_to_august()), Vec::new());
    }
}

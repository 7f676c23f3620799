//! The checker: pure rules over the facts of a run. What any of them names must never happen, whatever was broken meanwhile.

mod changes;
mod commands;
mod effects;
mod jobs;
mod ledger;
#[cfg(test)]
mod tests;

use std::fmt;

use super::facts::Facts;

/// A rule that did not hold, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// The rule.
    pub rule: &'static str,
    /// What was found instead.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.what)
    }
}

/// A rule: says what breaks it.
type Rule = fn(&Facts) -> Vec<String>;

/// Every rule, with the sentence that must hold.
const RULES: &[(&str, Rule)] = &[
    (
        "every acknowledged command is in the ledger exactly once",
        commands::acknowledged_is_recorded_once,
    ),
    ("a repeat is answered like the first", commands::repeats_agree),
    (
        "a refused command is not in the ledger",
        commands::refused_is_not_recorded,
    ),
    ("no command fails inside", commands::none_fails_inside),
    ("no key appears twice", commands::no_key_appears_twice),
    (
        "events are numbered without a gap, and counted",
        changes::events_are_counted,
    ),
    ("versions are commits", changes::versions_are_commits),
    ("the chain of each change holds", changes::chains_hold),
    (
        "a place is voted on once, and a person votes once",
        changes::votes_are_unique,
    ),
    ("what has ended stays ended", changes::ended_stays_ended),
    (
        "a job's result is that of its last claim, once",
        jobs::results_are_of_the_last_claim,
    ),
    ("nothing is overdue", jobs::nothing_is_overdue),
    ("no claim is open", jobs::no_claim_is_open),
    ("nothing was given up", jobs::nothing_was_given_up),
    (
        "every open change has a job or waits for a person",
        jobs::open_changes_go_on,
    ),
    ("every event is sealed once", ledger::every_event_is_sealed_once),
    (
        "the tree over the events has the signed root",
        ledger::the_root_is_that_of_the_events,
    ),
    ("everything said is said once", effects::everything_is_said_once),
    ("no delivery of the chat is left", effects::no_delivery_is_left),
    (
        "the gateway never goes back",
        effects::the_gateway_never_goes_back,
    ),
    (
        "the gateway serves what was approved last",
        effects::the_gateway_serves_what_is_live,
    ),
];

/// Holds every rule against the facts.
#[must_use]
pub fn check(facts: &Facts) -> Vec<Violation> {
    let breaks = |(rule, holds): &(&'static str, Rule)| {
        let rule = *rule;
        holds(facts).into_iter().map(move |what| Violation { rule, what })
    };
    RULES.iter().flat_map(breaks).collect()
}

/// How many rules there are.
#[must_use]
pub fn rules() -> usize {
    RULES.len()
}

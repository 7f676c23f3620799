//! Rules of changes: numbered, counted, chained, voted on once.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use super::super::facts::{ChangeFact, EventFact, Facts};

/// Words of events after which nothing moves any more.
const ENDINGS: [&str; 8] = [
    "admission_refused",
    "test_failed",
    "policy_denied",
    "rejected",
    "withdrawn",
    "expired",
    "verified",
    "rolled_back",
];
/// Words of events that may follow them.
const AFTERWARDS: [&str; 3] = ["commented", "job_died", "restored"];

/// Every change with its events in the order of their numbers.
fn histories(facts: &Facts) -> impl Iterator<Item = (&ChangeFact, Vec<&EventFact>)> {
    let mut of: BTreeMap<&str, Vec<&EventFact>> = BTreeMap::new();
    for event in &facts.events {
        of.entry(&event.change).or_default().push(event);
    }
    facts.changes.iter().map(move |change| {
        let mut events = of.get(change.id.as_str()).cloned().unwrap_or_default();
        events.sort_by_key(|event| (event.n, event.seq));
        (change, events)
    })
}

pub(super) fn events_are_counted(facts: &Facts) -> Vec<String> {
    let gap = |(change, events): (&ChangeFact, Vec<&EventFact>)| {
        let numbers: Vec<u32> = events.iter().map(|event| event.n).collect();
        let expected: Vec<u32> = (1..=change.event_n).collect();
        (numbers != expected).then(|| {
            format!(
                "change {} counts {} events and has {numbers:?}",
                change.number, change.event_n
            )
        })
    };
    histories(facts).filter_map(gap).collect()
}

pub(super) fn versions_are_commits(facts: &Facts) -> Vec<String> {
    let off = |(change, events): (&ChangeFact, Vec<&EventFact>)| {
        let keys: BTreeSet<&str> = events.iter().map(|event| event.key.as_str()).collect();
        let commits = i64::try_from(keys.len()).unwrap_or(i64::MAX);
        (commits != change.version).then(|| {
            format!(
                "change {} is at version {} after {commits} commits",
                change.number, change.version
            )
        })
    };
    histories(facts).filter_map(off).collect()
}

pub(super) fn chains_hold(facts: &Facts) -> Vec<String> {
    histories(facts)
        .filter_map(|(change, events)| broken_chain(change, &events))
        .collect()
}

fn broken_chain(change: &ChangeFact, events: &[&EventFact]) -> Option<String> {
    let mut head = vec![0; 32];
    for event in events {
        let hash = Sha256::new()
            .chain_update(&head)
            .chain_update(&event.body)
            .finalize();
        if event.prev != head || event.hash != hash.as_slice() {
            return Some(format!(
                "event {} of change {} does not follow the one before it",
                event.n, change.number
            ));
        }
        head = event.hash.clone();
    }
    (head != change.head).then(|| format!("change {} has another head than its last event", change.number))
}

pub(super) fn votes_are_unique(facts: &Facts) -> Vec<String> {
    let mut broken = Vec::new();
    let (mut places, mut people) = (BTreeSet::new(), BTreeSet::new());
    let mut rows: BTreeMap<&str, usize> = BTreeMap::new();
    for vote in &facts.votes {
        *rows.entry(&vote.change).or_default() += 1;
        if !places.insert((&vote.change, vote.revision, &vote.slot, vote.seat)) {
            broken.push(format!(
                "place {} of {} in {} was voted on twice",
                vote.seat, vote.slot, vote.change
            ));
        }
        if !people.insert((&vote.change, vote.revision, &vote.approver)) {
            broken.push(format!("{} voted twice in {}", vote.approver, vote.change));
        }
    }
    for (change, events) in histories(facts) {
        let cast = events.iter().filter(|event| event.kind == "vote_cast").count();
        let kept = rows.get(change.id.as_str()).copied().unwrap_or(0);
        if cast != kept {
            broken.push(format!(
                "change {} had {cast} votes cast and keeps {kept}",
                change.number
            ));
        }
    }
    broken
}

pub(super) fn ended_stays_ended(facts: &Facts) -> Vec<String> {
    let moved = |(change, events): (&ChangeFact, Vec<&EventFact>)| {
        let end = events
            .iter()
            .position(|event| ENDINGS.contains(&event.kind.as_str()))?;
        let after = events[end + 1..]
            .iter()
            .find(|event| !AFTERWARDS.contains(&event.kind.as_str()))?;
        Some(format!(
            "change {} was {} and then {}",
            change.number, events[end].kind, after.kind
        ))
    };
    histories(facts).filter_map(moved).collect()
}

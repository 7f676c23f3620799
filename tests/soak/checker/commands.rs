//! Rules of commands: what was acknowledged happened, once; what was refused did not.

use std::collections::{BTreeMap, BTreeSet};

use super::super::facts::{Answer, EventFact, Facts, Sent};

/// Events by the sender's key, which stands after the last colon of the command's.
fn by_key(facts: &Facts) -> BTreeMap<&str, Vec<&EventFact>> {
    let mut found: BTreeMap<&str, Vec<&EventFact>> = BTreeMap::new();
    for event in &facts.events {
        let own = event.key.rsplit(':').next().unwrap_or(&event.key);
        found.entry(own).or_default().push(event);
    }
    found
}

fn recorded(sent: &Sent) -> impl Iterator<Item = (u64, Option<&Vec<u32>>)> {
    sent.answers.iter().filter_map(|answer| match answer {
        Answer::Recorded { number, events } => Some((*number, events.as_ref())),
        Answer::Refused(_) | Answer::Failed(_) | Answer::Lost => None,
    })
}

pub(super) fn acknowledged_is_recorded_once(facts: &Facts) -> Vec<String> {
    let stored = by_key(facts);
    let numbers: BTreeMap<&str, u64> = facts
        .changes
        .iter()
        .map(|change| (change.id.as_str(), change.number))
        .collect();
    let mut broken = Vec::new();
    for sent in &facts.sent {
        let Some((number, told)) = recorded(sent).next() else {
            continue;
        };
        // A command that changes nothing, such as a reminder when nobody is missing, leaves no event.
        if told.is_some_and(Vec::is_empty) {
            continue;
        }
        let events = stored.get(sent.key.as_str()).map_or(&[][..], Vec::as_slice);
        let found: Vec<u32> = events.iter().map(|event| event.n).collect();
        let places: BTreeSet<Option<&u64>> = events
            .iter()
            .map(|event| numbers.get(event.change.as_str()))
            .collect();
        if events.is_empty() {
            broken.push(format!(
                "{} {} was acknowledged for change {number} and is not there",
                sent.what, sent.key
            ));
        } else if places != BTreeSet::from([Some(&number)]) {
            broken.push(format!(
                "{} {} was acknowledged for change {number} and is elsewhere",
                sent.what, sent.key
            ));
        } else if told.is_some_and(|told| *told != found) {
            broken.push(format!(
                "{} {} was acknowledged with events {:?} of change {number} and is there with {found:?}",
                sent.what,
                sent.key,
                told.unwrap_or(&Vec::new())
            ));
        }
    }
    broken
}

pub(super) fn repeats_agree(facts: &Facts) -> Vec<String> {
    let differing = facts
        .sent
        .iter()
        .filter(|sent| recorded(sent).collect::<BTreeSet<_>>().len() > 1);
    differing
        .map(|sent| format!("{} {} was answered {:?}", sent.what, sent.key, sent.answers))
        .collect()
}

/// A filing may be turned away before anything is decided (its route serves already), and another copy of it taken; so of
/// filings only what was never recorded counts here.
pub(super) fn refused_is_not_recorded(facts: &Facts) -> Vec<String> {
    let stored = by_key(facts);
    let refused = |sent: &&Sent| {
        let refused = sent
            .answers
            .iter()
            .any(|answer| matches!(answer, Answer::Refused(_) | Answer::Failed(_)));
        let taken = sent.what == "file" && recorded(sent).next().is_some();
        refused && !taken && stored.contains_key(sent.key.as_str())
    };
    facts
        .sent
        .iter()
        .filter(refused)
        .map(|sent| {
            format!(
                "{} {} was refused ({:?}) and is there",
                sent.what, sent.key, sent.answers
            )
        })
        .collect()
}

pub(super) fn none_fails_inside(facts: &Facts) -> Vec<String> {
    let failed = |sent: &Sent| {
        let why = sent.answers.iter().find_map(|answer| match answer {
            Answer::Failed(why) => Some(why),
            _ => None,
        })?;
        Some(format!("{} {}: {why}", sent.what, sent.key))
    };
    facts.sent.iter().filter_map(failed).collect()
}

/// Acknowledged or not: a command happened at one moment, in one change, and is remembered once.
pub(super) fn no_key_appears_twice(facts: &Facts) -> Vec<String> {
    let mut broken = Vec::new();
    let mut remembered: BTreeMap<&str, u32> = BTreeMap::new();
    for (key, _) in &facts.commands {
        *remembered.entry(key).or_default() += 1;
    }
    let twice = remembered.iter().filter(|(_, count)| **count > 1);
    broken.extend(twice.map(|(key, count)| format!("{key} is remembered {count} times")));
    let mut runs: BTreeMap<&str, Vec<(&str, u32)>> = BTreeMap::new();
    // Other streams, such as the catalog's, have no commands.
    let known: BTreeSet<&str> = facts.changes.iter().map(|change| change.id.as_str()).collect();
    for event in facts
        .events
        .iter()
        .filter(|event| known.contains(event.change.as_str()))
    {
        runs.entry(&event.key).or_default().push((&event.change, event.n));
    }
    for (key, mut places) in runs {
        places.sort_unstable();
        let one_run = places
            .windows(2)
            .all(|two| two[0].0 == two[1].0 && two[0].1 + 1 == two[1].1);
        if !one_run {
            broken.push(format!("{key} made events at {places:?}"));
        }
        if !remembered.contains_key(key) {
            broken.push(format!("{key} made events and is not remembered"));
        }
    }
    broken
}

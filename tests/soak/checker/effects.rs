//! Rules of effects: every one reached its receiver, and was applied once.

use std::collections::{BTreeMap, BTreeSet};

use super::super::facts::{Effects, Facts};

/// Words of events that are said in the thread.
const SAID: [&str; 9] = [
    "vote_cast",
    "rejected",
    "withdrawn",
    "expired",
    "approved",
    "applied",
    "verified",
    "rolled_back",
    "commented",
];
/// States in which the gateway may be between two routes.
const AT_THE_GATEWAY: [&str; 2] = ["applying", "apply_failed"];

/// Each change has one first message, each decision one reply, and no message stands there twice.
pub(super) fn everything_is_said_once(facts: &Facts) -> Vec<String> {
    let Some(effects) = &facts.effects else {
        return Vec::new();
    };
    let mut posts: BTreeMap<&str, u32> = BTreeMap::new();
    for mark in &effects.posts {
        *posts.entry(mark).or_default() += 1;
    }
    let twice = posts.iter().filter(|(_, count)| **count > 1);
    let mut broken: Vec<String> = twice
        .map(|(mark, count)| format!("{mark} was posted {count} times"))
        .collect();
    let missing = expected(facts)
        .into_iter()
        .filter(|mark| !posts.contains_key(mark.as_str()));
    broken.extend(missing.map(|mark| format!("{mark} was never posted")));
    broken
}

/// Marks of the messages that must be there.
fn expected(facts: &Facts) -> BTreeSet<String> {
    let numbers: BTreeMap<&str, u64> = facts
        .changes
        .iter()
        .map(|change| (change.id.as_str(), change.number))
        .collect();
    let mut marks = BTreeSet::new();
    for event in &facts.events {
        let Some(number) = numbers.get(event.change.as_str()) else {
            continue;
        };
        if event.kind == "submitted" {
            marks.insert(format!("root:{number}"));
        }
        if SAID.contains(&event.kind.as_str()) {
            marks.insert(format!("event.{}:{number}", event.n));
        }
    }
    marks
}

pub(super) fn no_delivery_is_left(facts: &Facts) -> Vec<String> {
    match facts.untaken {
        0 => Vec::new(),
        some => vec![format!("{some} deliveries were acknowledged and not taken up")],
    }
}

/// A write of the gateway that puts a deployment of ours: its workflow and generation.
fn put(write: &str) -> Option<(&str, u64)> {
    let name = write
        .strip_prefix("POST /model/new ")
        .or_else(|| write.strip_prefix("PATCH /model/")?.strip_suffix("/update"))?;
    let (workflow, generation) = name.strip_prefix("governor-")?.rsplit_once("-g")?;
    Some((workflow, generation.parse().ok()?))
}

pub(super) fn the_gateway_never_goes_back(facts: &Facts) -> Vec<String> {
    let Some(Effects { writes, .. }) = &facts.effects else {
        return Vec::new();
    };
    let mut broken = Vec::new();
    let mut newest: BTreeMap<&str, u64> = BTreeMap::new();
    let mut made = BTreeSet::new();
    for write in writes {
        let Some((workflow, generation)) = put(write) else {
            continue;
        };
        let before = newest.insert(workflow, generation).unwrap_or(0);
        if generation < before {
            broken.push(format!(
                "{workflow} was given generation {generation} after {before}"
            ));
        }
        if !made.insert(write) {
            broken.push(format!("`{write}` was carried out twice"));
        }
    }
    broken
}

pub(super) fn the_gateway_serves_what_is_live(facts: &Facts) -> Vec<String> {
    let Some(Effects { serving, .. }) = &facts.effects else {
        return Vec::new();
    };
    let under_way = |workflow: &str| {
        let mut changes = facts.changes.iter();
        changes.any(|change| change.workflow == workflow && AT_THE_GATEWAY.contains(&change.state.as_str()))
    };
    let mut broken = Vec::new();
    for (workflow, generation) in facts.live.iter().filter(|(workflow, _)| !under_way(workflow)) {
        let wanted = vec![format!("governor-{workflow}-g{generation}")];
        let served = serving.get(workflow);
        if served != Some(&wanted) {
            broken.push(format!(
                "{workflow} is served by {served:?} and not by {wanted:?}"
            ));
        }
    }
    broken
}

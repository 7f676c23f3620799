//! Rules of the ledger, computed again from the events' bytes alone (RFC 9162, section 2.1.1).

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::super::facts::{EventFact, Facts};

pub(super) fn every_event_is_sealed_once(facts: &Facts) -> Vec<String> {
    let mut broken = Vec::new();
    let mut open: BTreeMap<i64, &EventFact> = facts.events.iter().map(|event| (event.seq, event)).collect();
    for (place, leaf) in facts.leaves.iter().enumerate() {
        match open.remove(&leaf.seq) {
            None => broken.push(format!(
                "leaf {place} stands for no event, or for one that is sealed already"
            )),
            Some(event) if leaf_hash(&event.body) != leaf.digest => {
                broken.push(format!(
                    "leaf {place} is not the digest of event {} of {}",
                    event.n, event.change
                ));
            }
            Some(_) => {}
        }
    }
    if open.len() != facts.unsealed {
        broken.push(format!(
            "{} events are not sealed, but {} wait for it",
            open.len(),
            facts.unsealed
        ));
    }
    if facts.unsealed > 0 {
        broken.push(format!("{} events still wait to be sealed", facts.unsealed));
    }
    broken
}

pub(super) fn the_root_is_that_of_the_events(facts: &Facts) -> Vec<String> {
    let Some((size, signed)) = &facts.head else {
        return if facts.leaves.is_empty() {
            Vec::new()
        } else {
            vec!["nothing was ever signed".to_owned()]
        };
    };
    let leaves: Vec<Vec<u8>> = facts.leaves.iter().map(|leaf| leaf.digest.clone()).collect();
    if *size != leaves.len() {
        return vec![format!(
            "the newest head is of {size} leaves, and there are {}",
            leaves.len()
        )];
    }
    if root(&leaves) == *signed {
        return Vec::new();
    }
    vec![format!("the {size} leaves have another root than the one signed")]
}

fn leaf_hash(body: &[u8]) -> Vec<u8> {
    Sha256::new()
        .chain_update([0])
        .chain_update(body)
        .finalize()
        .to_vec()
}

/// The root over these leaves; SHA-256 of nothing for none.
pub(super) fn root(leaves: &[Vec<u8>]) -> Vec<u8> {
    match leaves {
        [] => Sha256::digest([]).to_vec(),
        [only] => only.clone(),
        _ => {
            let left = leaves.len().next_power_of_two() / 2;
            let (left, right) = leaves.split_at(left);
            let nodes = Sha256::new()
                .chain_update([1])
                .chain_update(root(left))
                .chain_update(root(right));
            nodes.finalize().to_vec()
        }
    }
}

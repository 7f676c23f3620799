//! The checker tells each kind of harm, and nothing where there is none.

use sha2::{Digest as _, Sha256};

use super::{super::facts::*, check};

/// One change that was filed, commented on and withdrawn: everything about it is right.
fn sound() -> Facts {
    let mut facts = Facts {
        now: 1_000_000,
        ..Facts::default()
    };
    let mut head = vec![0; 32];
    let said = [
        ("filed", "http:t:soak-1"),
        ("submitted", "http:t:soak-1"),
        ("commented", "http:t:soak-2"),
        ("withdrawn", "http:t:soak-3"),
    ];
    for (index, (kind, key)) in said.into_iter().enumerate() {
        let body = format!("{{\"n\":{index}}}").into_bytes();
        let hash = Sha256::new()
            .chain_update(&head)
            .chain_update(&body)
            .finalize()
            .to_vec();
        let n = u32::try_from(index).unwrap() + 1;
        let digest = Sha256::new()
            .chain_update([0])
            .chain_update(&body)
            .finalize()
            .to_vec();
        facts.leaves.push(Leaf {
            seq: i64::from(n),
            digest,
        });
        facts.events.push(EventFact {
            seq: i64::from(n),
            change: "c".to_owned(),
            n,
            kind: kind.to_owned(),
            key: key.to_owned(),
            body,
            prev: std::mem::replace(&mut head, hash.clone()),
            hash,
        });
    }
    let leaves: Vec<Vec<u8>> = facts.leaves.iter().map(|leaf| leaf.digest.clone()).collect();
    facts.head = Some((4, super::ledger::root(&leaves)));
    facts.changes.push(ChangeFact {
        id: "c".to_owned(),
        number: 7,
        workflow: "flow-1".to_owned(),
        state: "withdrawn".to_owned(),
        version: 3,
        event_n: 4,
        head,
    });
    for key in ["http:t:soak-1", "http:t:soak-2", "http:t:soak-3"] {
        facts.commands.push((key.to_owned(), "c".to_owned()));
    }
    let recorded = |events: Option<Vec<u32>>| Answer::Recorded { number: 7, events };
    facts.sent = vec![
        sent("soak-1", vec![Answer::Lost, recorded(None)]),
        sent("soak-2", vec![recorded(Some(vec![3])), recorded(Some(vec![3]))]),
        sent("soak-3", vec![recorded(Some(vec![4]))]),
    ];
    facts.effects = Some(Effects {
        posts: ["root:7", "event.3:7", "event.4:7"].map(str::to_owned).to_vec(),
        ..Effects::default()
    });
    facts
}

fn sent(key: &str, answers: Vec<Answer>) -> Sent {
    Sent {
        key: key.to_owned(),
        what: "vote",
        answers,
    }
}

fn job(kind: &str) -> JobFact {
    JobFact {
        id: "j".to_owned(),
        change: Some("c".to_owned()),
        event_n: Some(2),
        kind: kind.to_owned(),
        due_at: 2_000_000,
        token: 2,
        claimed: false,
        done: false,
        outcome: None,
        error: None,
    }
}

/// Whether exactly the rule with these words is broken by `harm`.
fn breaks(rule: &str, harm: impl FnOnce(&mut Facts)) {
    let mut facts = sound();
    harm(&mut facts);
    let broken = check(&facts);
    assert!(
        broken.iter().any(|violation| violation.rule.contains(rule)),
        "{rule}: {broken:?}"
    );
}

#[test]
fn sound_facts_break_no_rule() {
    assert_eq!(check(&sound()), []);
}

#[test]
fn a_lost_acknowledgement_a_wrong_answer_and_a_refusal_of_what_happened_are_told() {
    breaks("every acknowledged command", |facts| {
        facts.sent.push(sent(
            "soak-9",
            vec![Answer::Recorded {
                number: 7,
                events: None,
            }],
        ));
    });
    breaks("every acknowledged command", |facts| {
        facts.sent[2].answers = vec![Answer::Recorded {
            number: 7,
            events: Some(vec![3]),
        }];
    });
    breaks("a repeat is answered like the first", |facts| {
        facts.sent[1].answers.push(Answer::Recorded {
            number: 7,
            events: Some(vec![4]),
        });
    });
    breaks("a refused command", |facts| {
        facts.sent[2].answers = vec![Answer::Refused("stale".to_owned())]
    });
}

#[test]
fn a_command_that_happened_twice_is_told() {
    breaks("no key appears twice", |facts| {
        facts.commands.push(facts.commands[0].clone())
    });
    breaks("no key appears twice", |facts| {
        facts.events[3].key = "http:t:soak-1".to_owned()
    });
}

#[test]
fn a_missing_event_a_wrong_version_and_a_broken_chain_are_told() {
    breaks("numbered without a gap", |facts| drop(facts.events.remove(2)));
    breaks("versions are commits", |facts| facts.changes[0].version = 4);
    breaks("the chain of each change", |facts| {
        facts.events[1].body.push(b' ')
    });
    breaks("what has ended", |facts| {
        facts.events[2].kind = "rejected".to_owned()
    });
}

#[test]
fn two_votes_for_one_place_are_told() {
    let vote = |approver: &str| VoteFact {
        change: "c".to_owned(),
        revision: 1,
        slot: "finance".to_owned(),
        seat: 0,
        approver: approver.to_owned(),
    };
    breaks("a place is voted on once", |facts| {
        facts.votes = vec![vote("ana"), vote("tomas")]
    });
    breaks("a place is voted on once", |facts| {
        facts.votes = vec![vote("ana")]
    });
}

#[test]
fn stale_late_dead_and_forgotten_jobs_are_told() {
    breaks("that of its last claim", |facts| {
        facts.jobs = vec![job("assess")];
        facts.events[2].key = "job:j:1".to_owned();
    });
    breaks("nothing is overdue", |facts| {
        facts.jobs = vec![JobFact {
            due_at: 1,
            ..job("assess")
        }]
    });
    breaks("no claim is open", |facts| {
        facts.jobs = vec![JobFact {
            claimed: true,
            ..job("assess")
        }];
    });
    breaks("nothing was given up", |facts| {
        facts.jobs = vec![JobFact {
            done: true,
            outcome: Some("dead".to_owned()),
            ..job("assess")
        }];
    });
    breaks("every open change", |facts| {
        facts.changes[0].state = "applying".to_owned()
    });
}

#[test]
fn an_event_outside_the_tree_and_another_root_are_told() {
    breaks("sealed once", |facts| drop(facts.leaves.pop()));
    breaks("the signed root", |facts| facts.head = Some((4, vec![0; 32])));
}

#[test]
fn effects_that_are_missing_doubled_or_out_of_order_are_told() {
    let posts =
        |facts: &mut Facts, change: fn(&mut Vec<String>)| change(&mut facts.effects.as_mut().unwrap().posts);
    breaks("said once", |facts| posts(facts, |posts| drop(posts.remove(0))));
    breaks("said once", |facts| {
        posts(facts, |posts| posts.push("root:7".to_owned()))
    });
    breaks("no delivery", |facts| facts.untaken = 1);
    let writes = |facts: &mut Facts, writes: &[&str]| {
        facts.effects.as_mut().unwrap().writes = writes.iter().map(|write| (*write).to_owned()).collect();
    };
    breaks("never goes back", |facts| {
        writes(
            facts,
            &[
                "POST /model/new governor-flow-1-g7",
                "PATCH /model/governor-flow-1-g6/update",
            ],
        );
    });
    breaks("never goes back", |facts| {
        writes(
            facts,
            &[
                "POST /model/new governor-flow-1-g7",
                "POST /model/new governor-flow-1-g7",
            ],
        );
    });
    breaks("serves what was approved last", |facts| {
        facts.live.extend([("flow-1".to_owned(), 3)])
    });
}

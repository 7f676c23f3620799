//! Where the model begins, who asks for what, and how much trouble comes.

use workflow_engine::{
    change::{
        command::Command,
        state::{NoteRef, State},
    },
    values::{Digest, Role},
};

use super::{
    invariants::count,
    rows::{Cast, JobRow, What},
    rules::{self, Kept},
    steps::{Protocol, Scenario},
    world::World,
};

/// Jobs on the way from the last vote to a completed change, and back.
const GATEWAY: &[&str] = &["start_apply", "apply_route", "verify_traffic", "restore_route"];

/// Three people vote, on two replicas, while the deadline comes.
pub(super) fn votes_against_the_clock() -> Scenario {
    let (change, jobs) = rules::in_review();
    let vote = tests::desk::approval(&change.change);
    let people = ["ana", "priya", "tomas"].map(|who| (who, vote.clone()));
    Scenario {
        name: "three votes against the clock",
        kinds: &["expire"],
        until: 1,
        reaches: &[("approved", approved), ("expired", expired), ("told", told)],
        ..of(change, jobs, people.to_vec())
    }
}

/// The last vote against the deadline: exactly one of them wins.
pub(super) fn the_last_vote_against_the_clock() -> Scenario {
    let (change, jobs, votes) = after_two_votes();
    let vote = tests::desk::approval(&change.change);
    Scenario {
        name: "the last vote against the clock",
        votes,
        kinds: &["expire"],
        until: 1,
        reaches: &[("approved", approved), ("expired", expired), ("told", told)],
        ..of(change, jobs, vec![("tomas", vote)])
    }
}

/// The requester proposes something else while the last vote, on the first packet, is under way.
pub(super) fn a_revision_against_the_last_vote() -> Scenario {
    let (change, jobs, votes) = after_two_votes();
    let vote = tests::desk::approval(&change.change);
    let revise = Command::Revise(rules::proposal("gpt-4o-mini"));
    Scenario {
        name: "a revision against the last vote",
        votes,
        kinds: &["check_admission", "assess"],
        reaches: &[
            ("approved", approved),
            ("asked again", |_, world| {
                let change = &world.rows.change.change;
                change.state == State::AwaitingApproval && change.revision.0 == 2
            }),
        ],
        ..of(change, jobs, vec![("maya", revise), ("tomas", vote)])
    }
}

/// The last vote, the gateway, and somebody who takes it back while workers freeze and wake.
pub(super) fn applying_against_a_roll_back() -> Scenario {
    let (change, jobs, votes) = after_two_votes();
    let vote = tests::desk::approval(&change.change);
    Scenario {
        name: "applying against a roll-back",
        votes,
        kinds: GATEWAY,
        reaches: &[
            ("completed", |_, world| {
                world.rows.change.change.state == State::Completed
            }),
            ("restored", |_, world| {
                count(&world.rows, |what| what == What::Restored) == 1
            }),
        ],
        ..of(
            change,
            jobs,
            vec![("tomas", vote), ("ana", Command::RollBack { note: None })],
        )
    }
}

/// One of three votes, and workers who would apply at once.
pub(super) fn one_vote_of_three() -> Scenario {
    let (change, jobs) = rules::in_review();
    let vote = tests::desk::approval(&change.change);
    Scenario {
        name: "one vote of three",
        kinds: GATEWAY,
        reaches: &[("told", told)],
        ..of(change, jobs, vec![("ana", vote)])
    }
}

/// One person clicks in two chats at once, and writes a comment that is delivered twice.
pub(super) fn two_chats_at_once() -> Scenario {
    let (change, jobs) = rules::in_review();
    let vote = tests::desk::approval(&change.change);
    let comment = Command::Comment {
        note: NoteRef {
            id: "note".to_owned(),
            commitment: Digest::of(b"note"),
        },
    };
    Scenario {
        name: "two chats at once",
        kinds: &[],
        reaches: &[("told", told)],
        ..of(
            change,
            jobs,
            vec![("ana", vote.clone()), ("ana", vote), ("maya", comment)],
        )
    }
}

/// Two sealers while people vote.
pub(super) fn two_sealers() -> Scenario {
    let (change, jobs) = rules::in_review();
    let vote = tests::desk::approval(&change.change);
    let people = ["ana", "priya"].map(|who| (who, vote.clone()));
    Scenario {
        name: "two sealers",
        kinds: &[],
        repeats: 0,
        seals: 3,
        reaches: &[("all sealed", |_, world| world.rows.sealed.len() == 2)],
        ..of(change, jobs, people.to_vec())
    }
}

fn of(change: Kept, jobs: Vec<JobRow>, people: Vec<(&'static str, Command)>) -> Scenario {
    Scenario {
        name: "",
        change,
        jobs,
        votes: Vec::new(),
        people,
        kinds: &[],
        until: 0,
        repeats: if long() { 2 } else { 1 },
        crashes: if long() { 2 } else { 1 },
        claims: if long() { 3 } else { 2 },
        seals: 0,
        reaches: &[],
    }
}

/// More repeats, crashes and claims than the normal run can wait for.
fn long() -> bool {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests are configured by the environment"
    )]
    std::env::var("GOVERNOR_LONG").is_ok()
}

fn after_two_votes() -> (Kept, Vec<JobRow>, Vec<Cast>) {
    let (change, jobs) = rules::in_review();
    let vote = tests::desk::approval(&change.change);
    let one = rules::after(&change, Some("ana"), vote.clone());
    let two = rules::after(&one.after, Some("priya"), vote);
    let cast = |role, by: &str| Cast {
        revision: 1,
        role,
        by: by.to_owned(),
    };
    let votes = vec![cast(Role::Platform, "ana"), cast(Role::Security, "priya")];
    (two.after, jobs, votes)
}

fn approved(_: &Protocol, world: &World) -> bool {
    world.rows.change.change.state == State::Approved
}

fn expired(_: &Protocol, world: &World) -> bool {
    world.rows.change.change.state == State::Expired
}

fn told(_: &Protocol, world: &World) -> bool {
    world.people.iter().any(|asking| asking.told.is_some())
}

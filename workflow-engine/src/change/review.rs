//! The rules while people decide: votes, objections, questions, delegation, time, the emergency path.

use std::collections::BTreeSet;

use chrono::Duration;

use super::{
    command::{Ballot, Command, Grade, Proposal},
    event::Event,
    evolve,
    machine::{person, requester_or_author, with_author},
    refusal::{Bar, Facts, Refusal, RefusalCode},
    slots::{Concern, Delegation, Question, Slot, Vote},
    state::{Approval, BreakGlass, Change, NoteRef, State},
};
use crate::values::{Digest, PersonId, Role};

/// What `command` makes happen while the packet is out.
pub(super) fn decide(change: &Change, command: &Command, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    match command {
        Command::Vote(ballot) => vote(change, ballot, facts),
        Command::ResolveConcern { number } => resolve(change, *number, facts),
        Command::Answer { number, note } => answer(change, *number, note, facts),
        Command::Delegate { role, to, until } => delegate(
            change,
            Delegation {
                role: *role,
                from: person(facts)?,
                to: to.clone(),
                until: *until,
            },
            facts,
        ),
        Command::Remind { revision } if *revision == change.revision => Ok(open_roles(change)
            .map(|roles| vec![Event::Reminded { roles }])
            .unwrap_or_default()),
        Command::Escalate { revision } if *revision == change.revision => Ok(open_roles(change)
            .map(|roles| vec![Event::Escalated { roles }])
            .unwrap_or_default()),
        Command::Expire { revision } if *revision == change.revision => expire(change, facts),
        Command::Remind { .. } | Command::Escalate { .. } | Command::Expire { .. } => Err(Refusal::new(
            RefusalCode::Outdated,
            "This timer belongs to an earlier revision.",
        )),
        Command::BreakGlass { reason } => break_glass(change, reason, facts),
        _ => Err(Refusal::wrong_state(change.state, command.name())),
    }
}

/// The approval that follows once every slot is filled on the current packet and no objection is open.
fn approval_if_complete(change: &Change, facts: &Facts) -> Option<Event> {
    let packet = change.packet?;
    let complete = !change.slots.is_empty()
        && change
            .slots
            .iter()
            .all(|slot| slot.is_filled(change.revision, packet))
        && change.concerns.iter().all(|concern| concern.resolved);
    complete.then(|| {
        Event::Approved(Approval {
            at: facts.now,
            until: facts.now + Duration::days(facts.terms.approval_days),
            packet,
            break_glass: None,
        })
    })
}

/// Another proposal in place of this one; possible until somebody has agreed to the end.
pub(super) fn revise(change: &Change, proposal: &Proposal, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    if !matches!(
        change.state,
        State::Submitted | State::ShadowTesting | State::PolicyCheck | State::AwaitingApproval
    ) {
        return Err(Refusal::wrong_state(change.state, "revise"));
    }
    let by = requester_or_author(change, facts)?;
    if proposal.candidate.digest() == proposal.baseline.digest() {
        return Err(Refusal::new(
            RefusalCode::NoChange,
            "The proposed route is the one that serves the workflow today. Pick another candidate.",
        ));
    }
    Ok(vec![Event::Revised {
        proposal: with_author(change, proposal, &by),
        revision: change.revision.next(),
        catalog: facts.catalog,
    }])
}

fn vote(change: &Change, ballot: &Ballot, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    let by = person(facts)?;
    let packet = is_current(change, ballot)?;
    may_decide(change, &by, facts)?;
    let (slot, for_whom) = slot_of(change, ballot.role, &by, facts)?;
    let role = slot.role;
    match &ballot.grade {
        Grade::Approve => agree(change, slot, for_whom, ballot, packet, facts),
        Grade::ApproveWithConditions(_) => agree(change, slot, for_whom, ballot, packet, facts),
        Grade::RaiseConcern => Ok(vec![Event::ConcernRaised(Concern {
            number: next_number(change.concerns.len()),
            by,
            role,
            note: needed(ballot, "Say what has to be settled first.")?,
            resolved: false,
        })]),
        Grade::AskForInformation => Ok(vec![Event::InformationAsked(Question {
            number: next_number(change.questions.len()),
            by,
            note: needed(ballot, "Say what you need to know.")?,
            at: facts.now,
            answered: false,
        })]),
        Grade::Deny => Ok(vec![Event::Rejected {
            role,
            by,
            note: needed(
                ballot,
                "Say why, so that the requester knows what would change your mind.",
            )?,
        }]),
        Grade::Recuse => Ok(vec![Event::Recused { role, by }]),
    }
}

/// A yes; with the approval behind it if it was the last one that was missing.
#[expect(
    clippy::too_many_arguments,
    reason = "the parts of one vote, all found by `vote`"
)]
fn agree(
    change: &Change,
    slot: &Slot,
    for_whom: Option<PersonId>,
    ballot: &Ballot,
    packet: Digest,
    facts: &Facts,
) -> Result<Vec<Event>, Refusal> {
    let by = person(facts)?;
    let counts = |vote: &&Vote| vote.revision == change.revision && vote.packet == packet;
    if let Some((filled, _)) = change
        .slots
        .iter()
        .flat_map(|slot| slot.votes.iter().filter(counts).map(move |vote| (slot, vote)))
        .find(|(_, vote)| vote.by == by || (for_whom.is_some() && Some(&vote.by) == for_whom.as_ref()))
    {
        return Err(if filled.role == slot.role {
            Refusal::new(
                RefusalCode::AlreadyVoted,
                "Your approval is recorded already; nothing more to do.",
            )
        } else {
            Refusal::new(
                RefusalCode::OneSlotEach,
                format!(
                    "You already decided for {}. One person fills one slot, so somebody else must decide for {}.",
                    filled.role.title(),
                    slot.role.title()
                ),
            )
        });
    }
    let conditions = match &ballot.grade {
        Grade::ApproveWithConditions(conditions) => Some(conditions.clone()),
        _ => None,
    };
    let cast = Event::VoteCast {
        role: slot.role,
        vote: Vote {
            by,
            for_whom,
            revision: ballot.revision,
            packet: ballot.packet,
            conditions,
            note: ballot.note.clone(),
            at: facts.now,
        },
    };
    Ok(followed_by_approval(change, cast, facts))
}

/// `event`, and the approval if `event` completes it.
pub(super) fn followed_by_approval(change: &Change, event: Event, facts: &Facts) -> Vec<Event> {
    let mut after = change.clone();
    evolve::apply(&mut after, &event, facts.now);
    let approval = approval_if_complete(&after, facts);
    std::iter::once(event).chain(approval).collect()
}

/// A vote names the edition and the packet it is about.
fn is_current(change: &Change, ballot: &Ballot) -> Result<Digest, Refusal> {
    match change.packet {
        Some(packet) if packet == ballot.packet && ballot.revision == change.revision => Ok(packet),
        packet => Err(Refusal::stale(change.revision, packet)),
    }
}

/// Separation of duties over the whole history of the change.
fn may_decide(change: &Change, by: &PersonId, facts: &Facts) -> Result<(), Refusal> {
    if *by == change.requester {
        return Err(Refusal::new(
            RefusalCode::OwnRequest,
            format!(
                "You filed this request, so you can't decide on it. {} can.",
                who_can(change, by)
            ),
        ));
    }
    if change.co_authors.contains(by) {
        return Err(Refusal::new(
            RefusalCode::OwnRequest,
            format!(
                "You helped to write this request, so you can't decide on it. {} can.",
                who_can(change, by)
            ),
        ));
    }
    match facts.barred.get(by) {
        None => Ok(()),
        Some(Bar::Inactive) => Err(Refusal::new(
            RefusalCode::NotEligible,
            "Your account is no longer active here.",
        )),
        Some(Bar::EditedPolicy) => Err(Refusal::new(
            RefusalCode::RecentEditor,
            format!(
                "You last edited the policy that this change relies on, so somebody else must decide. {} can.",
                who_can(change, by)
            ),
        )),
        Some(Bar::EditedWorkflow) => Err(Refusal::new(
            RefusalCode::RecentEditor,
            format!(
                "You last edited this workflow's entry, so somebody else must decide. {} can.",
                who_can(change, by)
            ),
        )),
    }
}

/// The slot that `by` may fill, and for whom, open slots first.
fn slot_of<'change>(
    change: &'change Change,
    role: Option<Role>,
    by: &PersonId,
    facts: &Facts,
) -> Result<(&'change Slot, Option<PersonId>), Refusal> {
    let mut barred_delegator = None;
    let mut found: Vec<(&Slot, Option<PersonId>)> = Vec::new();
    for slot in change
        .slots
        .iter()
        .filter(|slot| role.is_none_or(|role| slot.role == role))
    {
        let asked = slot.open_to().any(|person| person == by);
        if asked && (facts.roles.contains(&slot.role) || slot.escalation.contains(by)) {
            found.push((slot, None));
            continue;
        }
        for delegation in change
            .delegations
            .iter()
            .filter(|it| it.role == slot.role && it.to == *by && it.until > facts.now)
        {
            if may_decide(change, &delegation.from, facts).is_err() {
                barred_delegator = Some(delegation.from.clone());
            } else if slot.open_to().any(|person| *person == delegation.from) {
                found.push((slot, Some(delegation.from.clone())));
            }
        }
    }
    let packet = change.packet.unwrap_or(Digest([0; 32]));
    found.sort_by_key(|(slot, _)| slot.is_filled(change.revision, packet));
    if let Some(slot) = found.into_iter().next() {
        return Ok(slot);
    }
    if let Some(from) = barred_delegator {
        return Err(Refusal::new(
            RefusalCode::BarredDelegator,
            format!(
                "{from}, for whom you would decide, may not decide on this change, so you can't in their place."
            ),
        ));
    }
    Err(Refusal::new(
        RefusalCode::NotEligible,
        format!(
            "You are not among the people asked here. {} can decide.",
            who_can(change, by)
        ),
    ))
}

/// Who to turn to, by group: `anyone in @platform-approvers or @sec-oncall`.
fn who_can(change: &Change, by: &PersonId) -> String {
    let packet = change.packet.unwrap_or(Digest([0; 32]));
    let open: Vec<_> = change
        .slots
        .iter()
        .filter(|slot| !slot.is_filled(change.revision, packet))
        .filter(|slot| slot.open_to().any(|person| person != by))
        .map(|slot| format!("@{}", slot.group))
        .collect();
    match open.as_slice() {
        [] => "Nobody else".to_owned(),
        groups => format!("Anyone in {}", groups.join(" or ")),
    }
}

/// Roles whose slot is not filled; none if all are.
fn open_roles(change: &Change) -> Option<BTreeSet<Role>> {
    let packet = change.packet?;
    let roles: BTreeSet<_> = change
        .slots
        .iter()
        .filter(|slot| !slot.is_filled(change.revision, packet))
        .map(|slot| slot.role)
        .collect();
    (!roles.is_empty()).then_some(roles)
}

fn resolve(change: &Change, number: u32, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    let by = person(facts)?;
    let open = change
        .concerns
        .iter()
        .find(|concern| concern.number == number && !concern.resolved)
        .ok_or_else(|| {
            Refusal::new(
                RefusalCode::NothingToSettle,
                format!("There is no open concern {number} on this change."),
            )
        })?;
    if by != open.by {
        may_decide(change, &by, facts)?;
        if !facts.roles.contains(&open.role) {
            return Err(Refusal::new(
                RefusalCode::NotEligible,
                format!(
                    "Only who raised it, or another of {}, can settle this concern.",
                    open.role.title()
                ),
            ));
        }
    }
    Ok(followed_by_approval(
        change,
        Event::ConcernResolved { number, by },
        facts,
    ))
}

/// The deadline moves on by the time that the question was open.
fn answer(change: &Change, number: u32, note: &NoteRef, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    let by = person(facts)?;
    let question = change
        .questions
        .iter()
        .find(|question| question.number == number && !question.answered)
        .ok_or_else(|| {
            Refusal::new(
                RefusalCode::NothingToSettle,
                format!("There is no open question {number} on this change."),
            )
        })?;
    Ok(vec![Event::InformationGiven {
        number,
        by,
        note: note.clone(),
        deadline_at: change.deadline_at.map(|at| at + (facts.now - question.at)),
    }])
}

fn delegate(change: &Change, delegation: Delegation, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    may_decide(change, &delegation.from, facts)?;
    slot_of(change, Some(delegation.role), &delegation.from, facts)?;
    let to = &delegation.to;
    let barred = *to == change.requester || change.co_authors.contains(to) || facts.barred.contains_key(to);
    if barred {
        return Err(Refusal::new(
            RefusalCode::NotEligible,
            format!(
                "{to} filed, wrote or relies on this change, so they can't decide in your place. Name somebody else."
            ),
        ));
    }
    if delegation.until <= facts.now {
        return Err(Refusal::new(
            RefusalCode::NotDue,
            "A delegation must end in the future.",
        ));
    }
    Ok(vec![Event::Delegated(delegation)])
}

/// Time is up, unless a question stops the clock or the deadline has moved on.
fn expire(change: &Change, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    let clock_stands = change.questions.iter().any(|question| !question.answered);
    if clock_stands || change.deadline_at.is_none_or(|at| facts.now < at) {
        return Err(Refusal::new(RefusalCode::NotDue, "The deadline has moved on."));
    }
    Ok(vec![Event::Expired])
}

fn break_glass(change: &Change, reason: &NoteRef, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    let by = person(facts)?;
    may_decide(change, &by, facts)?;
    if !facts.roles.contains(&Role::BreakGlass) {
        return Err(Refusal::new(
            RefusalCode::NotEligible,
            "The emergency path is open to people with the break-glass role only.",
        ));
    }
    let packet = change
        .packet
        .ok_or_else(|| Refusal::wrong_state(change.state, "break glass"))?;
    Ok(vec![Event::Approved(Approval {
        at: facts.now,
        until: facts.now + Duration::days(facts.terms.approval_days),
        packet,
        break_glass: Some(BreakGlass {
            by,
            reason: reason.clone(),
            review_by: facts.now + Duration::hours(facts.terms.break_glass_hours),
            reviewed_by: None,
        }),
    })])
}

fn needed(ballot: &Ballot, sentence: &str) -> Result<NoteRef, Refusal> {
    ballot
        .note
        .clone()
        .ok_or_else(|| Refusal::new(RefusalCode::ReasonNeeded, sentence))
}

fn next_number(have: usize) -> u32 {
    u32::try_from(have).unwrap_or(u32::MAX - 1) + 1
}

//! The rules while people decide: objections, questions, delegation, time, the emergency path. Votes are in [`super::vote`].

use std::collections::BTreeSet;

use chrono::Duration;

use super::{
    command::{Command, Proposal},
    duties::{may_decide, slot_of},
    event::Event,
    evolve,
    machine::{person, requester_or_author, with_author},
    refusal::{Facts, Refusal, RefusalCode},
    slots::Delegation,
    state::{Approval, BreakGlass, Change, NoteRef, State},
    vote::vote,
};
use crate::values::Role;

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

/// `event`, and the approval if `event` completes it.
pub(super) fn followed_by_approval(change: &Change, event: Event, facts: &Facts) -> Vec<Event> {
    let mut after = change.clone();
    evolve::apply(&mut after, &event, facts.now);
    let approval = approval_if_complete(&after, facts);
    std::iter::once(event).chain(approval).collect()
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

//! The rules at the gateway: apply, verify, take back.

use super::{
    command::Command,
    event::Event,
    machine::person,
    refusal::{Facts, Refusal, RefusalCode},
    state::{Application, BreakGlass, Change, NoteRef, State},
};
use crate::{
    policy::change::is_of_policy,
    values::{Digest, Role},
};

/// What `command` makes happen to an approved change.
pub(super) fn decide(change: &Change, command: &Command, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    match (change.state, command) {
        (State::Approved, Command::Apply { by_hand }) => apply(change, *by_hand, facts),
        (State::Approved, Command::Revoke { note }) => revoke(change, note, facts),
        (State::Approved, Command::Expire { revision }) if *revision == change.revision => {
            expire(change, facts)
        }
        (
            State::Applying,
            Command::ConfirmApplied {
                generation,
                read_back,
            },
        ) => confirm(change, *generation, *read_back, facts),
        (State::Applying, Command::FailApply { why }) => Ok(vec![Event::ApplyFailed { why: why.clone() }]),
        (State::ApplyFailed, Command::RetryApply) => {
            must_run_the_gateway(facts)?;
            start(change, by_hand(change), facts)
        }
        (State::Verifying, Command::ConfirmVerified { calls_seen }) => verify(change, *calls_seen),
        (State::Verifying, Command::ReportMismatch { why }) => drift(change, why),
        (_, Command::ReviewBreakGlass { .. }) => review_break_glass(change, command, facts),
        (State::Approved, Command::RollBack { .. }) if facts.actor.person().is_none() => {
            is_overdue(change, facts).map(|()| vec![Event::Expired])
        }
        (State::Applying | State::ApplyFailed | State::Verifying, Command::RollBack { note }) => {
            roll_back(change, note.clone(), facts)
        }
        (state, command) => Err(Refusal::wrong_state(state, command.name())),
    }
}

/// The restore job of a rolled-back change ended. Its state stays as it is.
pub(super) fn restored(change: &Change, generation: u64) -> Result<Vec<Event>, Refusal> {
    let current = change
        .application
        .as_ref()
        .map(|application| application.generation);
    if change.state != State::RolledBack || current != Some(generation) {
        return Err(outdated());
    }
    Ok(vec![Event::Restored { generation }])
}

/// Somebody other than who opened the emergency path says whether the change may stay.
fn review_break_glass(change: &Change, command: &Command, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    let Command::ReviewBreakGlass { accept, note } = command else {
        return Err(Refusal::wrong_state(change.state, command.name()));
    };
    let by = person(facts)?;
    let glass = unreviewed(change).ok_or_else(|| {
        Refusal::new(
            RefusalCode::NothingToSettle,
            "There is no emergency approval here that waits for a review.",
        )
    })?;
    if by == glass.by || by == change.requester || change.co_authors.contains(&by) {
        return Err(Refusal::new(
            RefusalCode::OwnRequest,
            "Whoever filed a change or opened the emergency path can't review it.",
        ));
    }
    if !change.slots.iter().any(|slot| facts.roles.contains(&slot.role)) {
        return Err(Refusal::new(
            RefusalCode::NotEligible,
            "Only people who could have approved this change can review it.",
        ));
    }
    let reviewed = Event::BreakGlassReviewed {
        by: by.clone(),
        accept: *accept,
        note: note.clone(),
    };
    if *accept {
        return Ok(vec![reviewed]);
    }
    let back = if change.state == State::Approved {
        Event::Revoked {
            by,
            note: note.clone(),
        }
    } else {
        Event::RolledBack {
            by: Some(by),
            note: Some(note.clone()),
            generation: facts.next_generation,
        }
    };
    Ok(vec![reviewed, back])
}

fn apply(change: &Change, by_hand: bool, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    if facts.actor.person().is_some() {
        must_run_the_gateway(facts)?;
    }
    if change
        .approval
        .as_ref()
        .is_none_or(|approval| facts.now > approval.until)
    {
        return Err(Refusal::new(
            RefusalCode::NotDue,
            "This approval is too old to be applied. Revise the change so that it is looked at again.",
        ));
    }
    start(change, by_hand, facts)
}

fn start(change: &Change, by_hand: bool, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    let approved = change.approval.as_ref().map(|approval| approval.packet);
    if approved.is_none() || approved != change.packet {
        return Err(Refusal::stale(change.revision, change.packet));
    }
    // After a failed attempt the gateway may hold either route.
    let moved = facts
        .live_route
        .is_some_and(|live| live != change.baseline.digest());
    if moved && change.state == State::Approved {
        return Err(Refusal::new(
            RefusalCode::RouteMoved,
            "The workflow is served by another route than the one this change was tested against. Revise it.",
        ));
    }
    Ok(vec![Event::ApplyStarted(Application {
        generation: facts.next_generation,
        since: facts.now,
        by_hand,
        read_back: None,
        calls_seen: None,
        drift: None,
    })])
}

fn confirm(
    change: &Change,
    generation: u64,
    read_back: Option<Digest>,
    facts: &Facts,
) -> Result<Vec<Event>, Refusal> {
    let application = change.application.as_ref().ok_or_else(outdated)?;
    if application.generation != generation {
        return Err(outdated());
    }
    if facts.actor.person().is_some() {
        must_run_the_gateway(facts)?;
    }
    Ok(vec![Event::Applied {
        generation,
        read_back,
    }])
}

/// Completed only when calls were seen, and an emergency only after its review.
fn verify(change: &Change, calls_seen: u64) -> Result<Vec<Event>, Refusal> {
    if unreviewed(change).is_some() {
        return Err(Refusal::new(
            RefusalCode::NotDue,
            "Seen in traffic, but this was an emergency: it is completed once somebody has reviewed it.",
        ));
    }
    // No call is answered by the policy: that it was read back is all there is to see.
    if calls_seen == 0 && !is_of_policy(change) {
        return Err(Refusal::new(
            RefusalCode::NotDue,
            "No call has been seen on the new route yet.",
        ));
    }
    Ok(vec![Event::Verified { calls_seen }])
}

/// Said once for each different mismatch.
fn drift(change: &Change, why: &str) -> Result<Vec<Event>, Refusal> {
    let known = change.application.as_ref().and_then(|it| it.drift.as_deref());
    if known == Some(why) {
        return Err(Refusal::new(
            RefusalCode::NoChange,
            "This mismatch is recorded already.",
        ));
    }
    Ok(vec![Event::Drifted { why: why.to_owned() }])
}

fn roll_back(change: &Change, note: Option<NoteRef>, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    let by = facts.actor.person().cloned();
    match &by {
        None => is_overdue(change, facts)?,
        Some(person) => {
            let may = *person == change.requester
                || facts.roles.contains(&Role::Platform)
                || facts.roles.contains(&Role::Owner);
            if !may {
                return Err(Refusal::new(
                    RefusalCode::NotEligible,
                    "Whoever filed the change, the workflow's owner or a platform approver can roll it back.",
                ));
            }
        }
    }
    Ok(vec![Event::RolledBack {
        by,
        note,
        generation: facts.next_generation,
    }])
}

fn revoke(change: &Change, note: &NoteRef, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    let by = person(facts)?;
    let may = by == change.requester || change.slots.iter().any(|slot| facts.roles.contains(&slot.role));
    if !may {
        return Err(Refusal::new(
            RefusalCode::NotEligible,
            "Whoever filed the change, or one of its approvers, can take the approval back.",
        ));
    }
    Ok(vec![Event::Revoked {
        by,
        note: note.clone(),
    }])
}

fn expire(change: &Change, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    if change.deadline_at.is_none_or(|at| facts.now < at) {
        return Err(Refusal::new(RefusalCode::NotDue, "The approval still holds."));
    }
    Ok(vec![Event::Expired])
}

/// The service rolls back by itself only an emergency whose review did not come.
fn is_overdue(change: &Change, facts: &Facts) -> Result<(), Refusal> {
    match unreviewed(change) {
        Some(glass) if facts.now >= glass.review_by => Ok(()),
        _ => Err(Refusal::new(
            RefusalCode::NotDue,
            "The emergency was reviewed, or its time is not up.",
        )),
    }
}

fn unreviewed(change: &Change) -> Option<&BreakGlass> {
    change
        .approval
        .as_ref()
        .and_then(|approval| approval.break_glass.as_ref())
        .filter(|glass| glass.reviewed_by.is_none())
}

fn by_hand(change: &Change) -> bool {
    change
        .application
        .as_ref()
        .is_some_and(|application| application.by_hand)
}

fn must_run_the_gateway(facts: &Facts) -> Result<(), Refusal> {
    if facts.roles.contains(&Role::Platform) {
        return Ok(());
    }
    Err(Refusal::new(
        RefusalCode::NotEligible,
        "Only platform approvers work on the gateway. Ask one of them.",
    ))
}

fn outdated() -> Refusal {
    Refusal::new(
        RefusalCode::Outdated,
        "This result belongs to an earlier attempt; a newer one is under way.",
    )
}

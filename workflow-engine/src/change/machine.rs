//! The state machine: `decide` says what happens, `evolve` what it changes, `react` what follows.
//!
//! Pure: no clock, no database, no chat. Everything it needs is in its arguments. The pattern is Jérémie Chassaing's
//! *Decider*. The rules of each part of the way stand in [`super::testing`], [`super::review`] and [`super::applying`].

use chrono::{DateTime, Utc};

use super::{
    applying,
    command::{Command, Proposal},
    effect::Effect,
    event::Event,
    evolve,
    refusal::{Facts, Refusal, RefusalCode, Terms},
    review,
    state::{Change, State},
    testing,
};
use crate::values::PersonId;

/// What `command` makes happen to `change`.
///
/// # Errors
/// A [`Refusal`] when the rules do not allow it; nothing has happened then.
pub fn decide(change: &Change, command: &Command, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    if command.is_for_service() && facts.actor.person().is_some() {
        return Err(Refusal::new(
            RefusalCode::ServiceOnly,
            "Only the service itself records this step.",
        ));
    }
    match command {
        Command::Comment { note } => Ok(vec![Event::Commented {
            by: person(facts)?,
            note: note.clone(),
        }]),
        Command::AttachEvidence(file) => testing::attach(change, file, facts),
        Command::RecordViewing { .. } | Command::RecordErasure { .. } => testing::content(command, facts),
        Command::ReportDeadJob { kind, why } => Ok(vec![Event::JobDied {
            job: kind.clone(),
            why: why.clone(),
        }]),
        Command::SendJobAgain { id, kind } => Ok(vec![Event::JobSentAgain {
            id: id.clone(),
            job: kind.clone(),
        }]),
        Command::Migrate { from, to } => migrate(change, (*from, *to), facts),
        Command::ConfirmRestored { generation } => applying::restored(change, *generation),
        Command::Withdraw => withdraw(change, facts),
        Command::Revise(proposal) => review::revise(change, proposal, facts),
        _ => match change.state {
            State::Draft => draft(change, command, facts),
            State::Submitted | State::ShadowTesting | State::PolicyCheck => {
                testing::decide(change, command, facts)
            }
            State::AwaitingApproval => review::decide(change, command, facts),
            State::Approved | State::Applying | State::ApplyFailed | State::Verifying => {
                applying::decide(change, command, facts)
            }
            state => Err(Refusal::wrong_state(state, command.name())),
        },
    }
}

/// The change after `event`, which happened at `at`; `None` before the first event stands for no change at all.
#[must_use]
pub fn evolve(change: Option<Change>, event: &Event, at: DateTime<Utc>) -> Option<Change> {
    match change {
        None => evolve::begin(event, at),
        Some(mut change) => {
            evolve::apply(&mut change, event, at);
            Some(change)
        }
    }
}

/// What others must do because of `event`, which made `change` what it is at `now`.
#[must_use]
pub fn react(event: &Event, change: &Change, terms: &Terms, now: DateTime<Utc>) -> Vec<Effect> {
    super::react::react(event, change, terms, now)
}

/// The rules of a draft: nothing has left the company yet.
fn draft(change: &Change, command: &Command, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    match command {
        Command::Edit(proposal) => {
            let by = requester_or_author(change, facts)?;
            Ok(vec![Event::Edited {
                proposal: with_author(change, proposal, &by),
                by,
            }])
        }
        Command::Submit => {
            requester_or_author(change, facts)?;
            if change.candidate.digest() == change.baseline.digest() {
                return Err(Refusal::new(
                    RefusalCode::NoChange,
                    "The proposed route is the one that serves the workflow today. Pick another candidate.",
                ));
            }
            Ok(vec![Event::Submitted {
                revision: change.revision,
                catalog: facts.catalog,
            }])
        }
        _ => Err(Refusal::wrong_state(change.state, command.name())),
    }
}

/// Whoever may send it is checked where it comes in: it is the operators' doing, not the approvers'.
fn migrate(change: &Change, (from, to): (u32, u32), facts: &Facts) -> Result<Vec<Event>, Refusal> {
    if change.state.is_final() {
        return Err(Refusal::wrong_state(change.state, "migrate"));
    }
    if from == to {
        return Err(Refusal::new(
            RefusalCode::NoChange,
            format!("This change follows version {to} of the rules already."),
        ));
    }
    person(facts)?;
    Ok(vec![Event::Migrated { from, to }])
}

/// Possible until the gateway has been touched.
fn withdraw(change: &Change, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    if !matches!(
        change.state,
        State::Draft
            | State::Submitted
            | State::ShadowTesting
            | State::PolicyCheck
            | State::AwaitingApproval
            | State::Approved
    ) {
        return Err(Refusal::wrong_state(change.state, "withdraw"));
    }
    Ok(vec![Event::Withdrawn {
        by: requester_or_author(change, facts)?,
    }])
}

/// The person who acts.
pub(super) fn person(facts: &Facts) -> Result<PersonId, Refusal> {
    facts.actor.person().cloned().ok_or_else(|| {
        Refusal::new(
            RefusalCode::NotEligible,
            "A person must do this; the service cannot act on anybody's behalf.",
        )
    })
}

/// The person who acts, if they filed or wrote the change.
pub(super) fn requester_or_author(change: &Change, facts: &Facts) -> Result<PersonId, Refusal> {
    let by = person(facts)?;
    if by == change.requester || change.co_authors.contains(&by) {
        return Ok(by);
    }
    Err(Refusal::new(
        RefusalCode::NotRequester,
        "Only whoever filed this request can do that.",
    ))
}

/// The proposal with whoever wrote it among its authors.
pub(super) fn with_author(change: &Change, proposal: &Proposal, by: &PersonId) -> Proposal {
    let mut proposal = proposal.clone();
    if *by != change.requester {
        proposal.co_authors.insert(by.clone());
    }
    proposal
}

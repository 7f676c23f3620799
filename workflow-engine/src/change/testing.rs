//! The rules from submit to the sealed packet: admission, the shadow test, the policy's answer.

use super::{
    attached::Attached,
    command::Command,
    event::Event,
    machine::person,
    refusal::{Facts, Refusal, RefusalCode},
    review::followed_by_approval,
    slots::Slot,
    state::{Change, State},
};
use crate::values::RunId;

/// What `command` makes happen on the way to a packet.
pub(super) fn decide(change: &Change, command: &Command, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    match change.state {
        State::Submitted => admission(change, command),
        State::ShadowTesting => test(change, command, facts),
        _ => assessment(change, command, facts),
    }
}

fn admission(change: &Change, command: &Command) -> Result<Vec<Event>, Refusal> {
    let event = match command {
        Command::Admit { decision } => Event::Admitted { decision: *decision },
        Command::WaiveTest { decision } => Event::TestWaived { decision: *decision },
        Command::RefuseAdmission {
            decision,
            controls,
            why,
        } => Event::AdmissionRefused {
            decision: *decision,
            controls: controls.clone(),
            why: why.clone(),
        },
        _ => return Err(Refusal::wrong_state(change.state, command.name())),
    };
    Ok(vec![event])
}

fn test(change: &Change, command: &Command, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    match command {
        Command::FreezePlan { plan, run } => freeze(change, *plan, run),
        Command::PauseTest => pause(change, facts, true),
        Command::ResumeTest => pause(change, facts, false),
        Command::SubmitEvidence { run, verdict } => {
            is_current_run(change, run)?;
            Ok(vec![Event::EvidenceSubmitted {
                run: run.clone(),
                verdict: verdict.clone(),
            }])
        }
        Command::FailTest { why } => {
            // A person who cancels must be the requester; the test job needs no such right.
            if facts.actor.person().is_some() {
                super::machine::requester_or_author(change, facts)?;
            }
            Ok(vec![Event::TestFailed { why: why.clone() }])
        }
        _ => Err(Refusal::wrong_state(change.state, command.name())),
    }
}

/// Results of another tool, as long as the change is open; they stand beside the test and decide nothing.
pub(super) fn attach(change: &Change, file: &Attached, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    if change.state.is_final() {
        return Err(Refusal::wrong_state(change.state, "attach evidence"));
    }
    Ok(vec![Event::EvidenceAttached {
        by: person(facts)?,
        file: file.clone(),
    }])
}

/// Who saw what the test saw, and when it was erased: on record whatever has become of the change.
pub(super) fn content(command: &Command, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    Ok(match command {
        Command::RecordViewing { run, traces } => vec![Event::ContentViewed {
            by: person(facts)?,
            run: run.clone(),
            traces: *traces,
        }],
        Command::RecordErasure { run } => vec![Event::ContentErased { run: run.clone() }],
        _ => Vec::new(),
    })
}

fn assessment(change: &Change, command: &Command, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    match command {
        Command::Permit {
            assessment,
            packet,
            slots,
            deadline_at,
        } => Ok(followed_by_approval(
            change,
            Event::PacketSealed {
                assessment: assessment.clone(),
                packet: *packet,
                slots: carried_over(change, slots, *packet),
                deadline_at: *deadline_at,
            },
            facts,
        )),
        Command::Deny {
            assessment,
            packet,
            why,
        } => Ok(vec![Event::PolicyDenied {
            assessment: assessment.clone(),
            packet: *packet,
            why: why.clone(),
        }]),
        _ => Err(Refusal::wrong_state(change.state, command.name())),
    }
}

/// A plan is fixed once for each revision; a job that starts again finds its own plan and goes on with it.
fn freeze(change: &Change, plan: crate::values::Digest, run: &RunId) -> Result<Vec<Event>, Refusal> {
    let current = change.test.as_ref();
    if current.is_some_and(|test| test.plan == plan && test.run == *run) {
        return Err(Refusal::new(
            RefusalCode::AlreadyVoted,
            "This plan is frozen already.",
        ));
    }
    Ok(vec![Event::PlanFrozen {
        plan,
        run: run.clone(),
    }])
}

fn pause(change: &Change, facts: &Facts, paused: bool) -> Result<Vec<Event>, Refusal> {
    let by = person(facts)?;
    let stands_still = change.test.as_ref().is_some_and(|test| test.paused);
    if change.test.is_none() || stands_still == paused {
        return Err(Refusal::new(
            RefusalCode::NothingToSettle,
            if paused {
                "There is no running test to pause."
            } else {
                "The test is not paused."
            },
        ));
    }
    Ok(vec![if paused {
        Event::TestPaused { by }
    } else {
        Event::TestResumed { by }
    }])
}

fn is_current_run(change: &Change, run: &RunId) -> Result<(), Refusal> {
    if change.test.as_ref().is_some_and(|test| test.run == *run) {
        return Ok(());
    }
    Err(Refusal::new(
        RefusalCode::Outdated,
        "This evidence belongs to an earlier plan of the change; it was kept, but decides nothing.",
    ))
}

/// New slots, with the votes of roles whose inputs did not change, where the policy keeps those.
/// A kept vote names the new packet and revision: it counts as if it had been cast on them.
fn carried_over(change: &Change, slots: &[Slot], packet: crate::values::Digest) -> Vec<Slot> {
    slots
        .iter()
        .cloned()
        .map(|mut slot| {
            slot.votes.clear();
            let before = change.slots.iter().find(|old| old.role == slot.role);
            if let Some(old) = before.filter(|old| slot.keep_votes && old.inputs == slot.inputs) {
                slot.votes = old
                    .votes
                    .iter()
                    .filter(|vote| slot.eligible.contains(&vote.by))
                    .filter(|vote| vote.by != change.requester && !change.co_authors.contains(&vote.by))
                    .cloned()
                    .map(|mut vote| {
                        vote.revision = change.revision;
                        vote.packet = packet;
                        vote
                    })
                    .collect();
            }
            slot
        })
        .collect()
}

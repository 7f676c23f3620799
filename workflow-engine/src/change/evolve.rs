//! What an event changes: no rule here, only its consequences.

use chrono::{DateTime, Utc};

use super::{
    command::Proposal,
    event::Event,
    state::{Application, Change, State, Test},
};
use crate::values::Revision;

/// The change as `Filed` makes it; none for any other event.
pub(super) fn begin(event: &Event, at: DateTime<Utc>) -> Option<Change> {
    let Event::Filed {
        id,
        number,
        workflow,
        requester,
        proposal,
        cites,
    } = event
    else {
        return None;
    };
    Some(Change {
        id: id.clone(),
        number: *number,
        workflow: workflow.clone(),
        state: State::Draft,
        revision: Revision(1),
        events: 1,
        requester: requester.clone(),
        co_authors: proposal.co_authors.clone(),
        baseline: proposal.baseline.clone(),
        candidate: proposal.candidate.clone(),
        claims_savings: proposal.claims_savings,
        reason: proposal.reason.clone(),
        cites: *cites,
        filed_at: at,
        catalog: None,
        test: None,
        assessment: None,
        packet: None,
        slots: Vec::new(),
        concerns: Vec::new(),
        questions: Vec::new(),
        delegations: Vec::new(),
        deadline_at: None,
        approval: None,
        application: None,
        ending: None,
        updated_at: at,
    })
}

/// Applies `event` to `change`.
pub(super) fn apply(change: &mut Change, event: &Event, at: DateTime<Utc>) {
    change.events += 1;
    change.updated_at = at;
    match event {
        Event::Filed { .. }
        | Event::Reminded { .. }
        | Event::Commented { .. }
        | Event::CatalogApplied(_)
        | Event::EvidenceAttached { .. }
        | Event::ContentViewed { .. }
        | Event::ContentErased { .. }
        | Event::JobDied { .. }
        | Event::JobSentAgain { .. }
        | Event::Migrated { .. }
        | Event::Restored { .. } => {}
        Event::Edited { proposal, .. } => propose(change, proposal),
        Event::Submitted { revision, catalog } => {
            change.revision = *revision;
            change.catalog = Some(*catalog);
            change.state = State::Submitted;
        }
        Event::Revised {
            proposal,
            revision,
            catalog,
        } => revise(change, proposal, *revision, *catalog),
        Event::Withdrawn { .. } => end(change, State::Withdrawn, "taken back by the requester"),
        Event::Expired => end(change, State::Expired, "not decided in time"),
        Event::Revoked { .. } => end(
            change,
            State::Withdrawn,
            "approval taken back before it was applied",
        ),
        Event::Rejected { .. } => end(change, State::Rejected, "denied by an approver"),
        _ => {
            if !testing(change, event) && !reviewing(change, event) {
                applying(change, event);
            }
        }
    }
}

fn propose(change: &mut Change, proposal: &Proposal) {
    change.baseline = proposal.baseline.clone();
    change.candidate = proposal.candidate.clone();
    change.claims_savings = proposal.claims_savings;
    // Whoever wrote any edition stays barred, also when a later one leaves them out.
    change.co_authors.extend(proposal.co_authors.iter().cloned());
    change.reason.clone_from(&proposal.reason);
}

fn revise(change: &mut Change, proposal: &Proposal, revision: Revision, catalog: crate::values::Digest) {
    propose(change, proposal);
    change.revision = revision;
    change.catalog = Some(catalog);
    change.state = State::Submitted;
    change.assessment = None;
    change.packet = None;
    change.deadline_at = None;
    change.concerns.clear();
    change.questions.clear();
    change.delegations.clear();
    if let Some(test) = &mut change.test {
        test.verdict = None;
    }
    // Slots stay until the next packet replaces them: kept votes are carried over from here.
}

fn end(change: &mut Change, state: State, why: &str) {
    change.state = state;
    change.ending = Some(why.to_owned());
    change.deadline_at = None;
}

/// Events of the way to a packet; false if it is none of them.
fn testing(change: &mut Change, event: &Event) -> bool {
    match event {
        Event::Admitted { .. } => change.state = State::ShadowTesting,
        Event::TestWaived { .. } => change.state = State::PolicyCheck,
        Event::AdmissionRefused { why, .. } | Event::PolicyDenied { why, .. } => {
            if let Event::PolicyDenied {
                assessment, packet, ..
            } = event
            {
                change.assessment = Some(assessment.clone());
                change.packet = Some(*packet);
            }
            end(change, State::PolicyDenied, why);
        }
        Event::PlanFrozen { plan, run } => {
            let mut earlier = Vec::new();
            if let Some(test) = change.test.take() {
                earlier = test.earlier;
                earlier.push(test.run);
            }
            change.test = Some(Test {
                plan: *plan,
                run: run.clone(),
                verdict: None,
                earlier,
                paused: false,
            });
        }
        Event::TestPaused { .. } | Event::TestResumed { .. } => {
            if let Some(test) = &mut change.test {
                test.paused = matches!(event, Event::TestPaused { .. });
            }
        }
        Event::EvidenceSubmitted { verdict, .. } => {
            if let Some(test) = &mut change.test {
                test.verdict = Some(verdict.clone());
            }
            change.state = State::PolicyCheck;
        }
        Event::TestFailed { why } => end(change, State::ShadowFailed, why),
        _ => return false,
    }
    true
}

/// Events while people decide; false if it is none of them.
fn reviewing(change: &mut Change, event: &Event) -> bool {
    match event {
        Event::PacketSealed {
            assessment,
            packet,
            slots,
            deadline_at,
        } => {
            change.state = State::AwaitingApproval;
            change.assessment = Some(assessment.clone());
            change.packet = Some(*packet);
            change.slots.clone_from(slots);
            change.deadline_at = Some(*deadline_at);
        }
        Event::VoteCast { role, vote } => {
            for slot in change.slots.iter_mut().filter(|slot| slot.role == *role) {
                slot.votes.push(vote.clone());
            }
        }
        Event::ConcernRaised(concern) => change.concerns.push(concern.clone()),
        Event::ConcernResolved { number, .. } => {
            for concern in change
                .concerns
                .iter_mut()
                .filter(|concern| concern.number == *number)
            {
                concern.resolved = true;
            }
        }
        Event::InformationAsked(question) => change.questions.push(question.clone()),
        Event::InformationGiven {
            number, deadline_at, ..
        } => {
            for question in change
                .questions
                .iter_mut()
                .filter(|question| question.number == *number)
            {
                question.answered = true;
            }
            change.deadline_at = *deadline_at;
        }
        Event::Recused { role, by } => {
            for slot in change.slots.iter_mut().filter(|slot| slot.role == *role) {
                slot.recused.insert(by.clone());
            }
        }
        Event::Delegated(delegation) => change.delegations.push(delegation.clone()),
        Event::Escalated { roles } => {
            for slot in change.slots.iter_mut().filter(|slot| roles.contains(&slot.role)) {
                slot.escalated = true;
            }
        }
        Event::Approved(approval) => {
            change.state = State::Approved;
            change.approval = Some(approval.clone());
            change.deadline_at = Some(approval.until);
        }
        _ => return false,
    }
    true
}

/// Events at the gateway.
fn applying(change: &mut Change, event: &Event) {
    match event {
        Event::BreakGlassReviewed { by, accept: true, .. } => {
            if let Some(glass) = change.approval.as_mut().and_then(|it| it.break_glass.as_mut()) {
                glass.reviewed_by = Some(by.clone());
            }
        }
        Event::ApplyStarted(application) => {
            change.state = State::Applying;
            change.application = Some(application.clone());
            change.deadline_at = None;
        }
        Event::Applied { read_back, .. } => {
            change.state = State::Verifying;
            with_application(change, |application| application.read_back = *read_back);
        }
        Event::ApplyFailed { .. } => change.state = State::ApplyFailed,
        Event::Verified { calls_seen } => {
            change.state = State::Completed;
            let seen = *calls_seen;
            with_application(change, |application| {
                application.calls_seen = Some(seen);
                application.drift = None;
            });
        }
        Event::Drifted { why } => {
            let why = why.clone();
            with_application(change, |application| application.drift = Some(why));
        }
        Event::RolledBack { generation, .. } => {
            let generation = *generation;
            with_application(change, |application| application.generation = generation);
            end(change, State::RolledBack, "applied, then taken back");
        }
        _ => {}
    }
}

fn with_application(change: &mut Change, set: impl FnOnce(&mut Application)) {
    if let Some(application) = &mut change.application {
        set(application);
    }
}

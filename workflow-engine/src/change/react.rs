//! What follows from an event.

use chrono::{DateTime, Duration, Utc};

use super::{
    effect::Effect,
    event::Event,
    refusal::Terms,
    state::{Change, State},
};

/// What must be done because of `event`, which made `change` what it is.
pub(super) fn react(event: &Event, change: &Change, terms: &Terms, now: DateTime<Utc>) -> Vec<Effect> {
    let mut effects = Vec::new();
    if !matches!(
        event,
        Event::Filed { .. }
            | Event::Edited { .. }
            | Event::Restored { .. }
            | Event::ContentViewed { .. }
            | Event::ContentErased { .. }
    ) {
        effects.push(Effect::RefreshCard);
    }
    if is_said_in_the_thread(event) {
        effects.push(Effect::Announce { event: change.events });
    }
    effects.extend(next_step(event, change));
    effects.extend(timers(event, change, terms, now));
    effects
}

/// What moves the change on.
fn next_step(event: &Event, change: &Change) -> Option<Effect> {
    let revision = change.revision;
    match event {
        Event::Submitted { .. } | Event::Revised { .. } => Some(Effect::CheckAdmission { revision }),
        Event::Admitted { .. } | Event::TestResumed { .. } => Some(Effect::RunTest { revision }),
        Event::TestWaived { .. } | Event::EvidenceSubmitted { .. } => Some(Effect::Assess { revision }),
        Event::PacketSealed { .. } => Some(Effect::NotifyApprovers { revision }),
        Event::ApplyStarted(application) => Some(Effect::ApplyRoute {
            generation: application.generation,
        }),
        Event::Applied { generation, .. } => Some(Effect::VerifyTraffic {
            generation: *generation,
        }),
        Event::BreakGlassReviewed { accept: true, .. } if change.state == State::Verifying => {
            let generation = change.application.as_ref().map_or(0, |it| it.generation);
            Some(Effect::VerifyTraffic { generation })
        }
        Event::RolledBack { generation, .. } => Some(Effect::RestoreRoute {
            generation: *generation,
        }),
        _ => None,
    }
}

/// What happens by itself when nobody acts.
fn timers(event: &Event, change: &Change, terms: &Terms, now: DateTime<Utc>) -> Vec<Effect> {
    let revision = change.revision;
    match event {
        Event::PacketSealed { deadline_at, .. } => vec![
            Effect::RemindAt {
                at: now + Duration::hours(terms.remind_hours),
                revision,
            },
            Effect::EscalateAt {
                at: now + Duration::hours(terms.escalate_hours),
                revision,
            },
            Effect::ExpireAt {
                at: *deadline_at,
                revision,
            },
        ],
        Event::InformationGiven {
            deadline_at: Some(at),
            ..
        } => vec![Effect::ExpireAt { at: *at, revision }],
        Event::Approved(approval) => {
            let expire = Effect::ExpireAt {
                at: approval.until,
                revision,
            };
            let apply = terms.apply_when_approved.then_some(Effect::StartApply {
                packet: approval.packet,
            });
            let review = approval
                .break_glass
                .as_ref()
                .map(|glass| Effect::ReviewBreakGlassAt { at: glass.review_by });
            [Some(expire), apply, review].into_iter().flatten().collect()
        }
        _ => Vec::new(),
    }
}

/// Each decision is one short reply; what only moves the work along changes the card alone.
fn is_said_in_the_thread(event: &Event) -> bool {
    !matches!(
        event,
        Event::Filed { .. }
            | Event::Edited { .. }
            | Event::Admitted { .. }
            | Event::TestWaived { .. }
            | Event::PlanFrozen { .. }
            | Event::Restored { .. }
            | Event::ContentViewed { .. }
            | Event::ContentErased { .. }
    )
}

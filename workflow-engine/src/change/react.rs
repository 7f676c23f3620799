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
    let revision = change.revision;
    let mut effects = Vec::new();
    if !matches!(
        event,
        Event::Filed { .. } | Event::Edited { .. } | Event::Restored { .. }
    ) {
        effects.push(Effect::RefreshCard);
    }
    if is_said_in_the_thread(event) {
        effects.push(Effect::Announce { event: change.events });
    }
    match event {
        Event::Submitted { .. } | Event::Revised { .. } => effects.push(Effect::CheckAdmission { revision }),
        Event::Admitted { .. } | Event::TestResumed { .. } => effects.push(Effect::RunTest { revision }),
        Event::TestWaived { .. } | Event::EvidenceSubmitted { .. } => {
            effects.push(Effect::Assess { revision })
        }
        Event::PacketSealed { deadline_at, .. } => {
            effects.push(Effect::NotifyApprovers { revision });
            effects.push(Effect::RemindAt {
                at: now + Duration::hours(terms.remind_hours),
                revision,
            });
            effects.push(Effect::EscalateAt {
                at: now + Duration::hours(terms.escalate_hours),
                revision,
            });
            effects.push(Effect::ExpireAt {
                at: *deadline_at,
                revision,
            });
        }
        Event::InformationGiven {
            deadline_at: Some(at),
            ..
        } => effects.push(Effect::ExpireAt { at: *at, revision }),
        Event::Approved(approval) => {
            effects.push(Effect::ExpireAt {
                at: approval.until,
                revision,
            });
            if terms.apply_when_approved {
                effects.push(Effect::StartApply {
                    packet: approval.packet,
                });
            }
            if let Some(glass) = &approval.break_glass {
                effects.push(Effect::ReviewBreakGlassAt { at: glass.review_by });
            }
        }
        Event::ApplyStarted(application) => effects.push(Effect::ApplyRoute {
            generation: application.generation,
        }),
        Event::BreakGlassReviewed { accept: true, .. } if change.state == State::Verifying => {
            let generation = change.application.as_ref().map_or(0, |it| it.generation);
            effects.push(Effect::VerifyTraffic { generation });
        }
        Event::Applied { generation, .. } => effects.push(Effect::VerifyTraffic {
            generation: *generation,
        }),
        Event::RolledBack { generation, .. } => effects.push(Effect::RestoreRoute {
            generation: *generation,
        }),
        _ => {}
    }
    effects
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
    )
}

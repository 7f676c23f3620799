//! Properties of the machine, on random histories.

use std::collections::BTreeSet;

use chrono::Duration;
use proptest::prelude::*;

use super::{
    event::Event,
    machine::{decide, evolve, react},
    samples,
    state::{Change, State},
};

/// A history: who sent which of the sample commands, and how many hours went by before.
fn histories() -> impl Strategy<Value = Vec<(usize, usize, i64)>> {
    // Most steps lead on; the rest is anything by anybody.
    prop::collection::vec(
        (
            0_usize..6,
            0_usize..64,
            prop_oneof![9 => 0_i64..3, 1 => 24_i64..400],
        ),
        1..60,
    )
}

/// Plays a history and answers every event with the change it made.
fn play(history: &[(usize, usize, i64)]) -> Vec<(Event, Change, chrono::DateTime<chrono::Utc>)> {
    let mut now = samples::start();
    let mut change = samples::filed();
    let mut log = vec![(samples::filed_event(), change.clone(), now)];
    for (who, which, hours) in history {
        now += Duration::hours(*hours);
        let person = samples::PEOPLE.get(*who).copied().unwrap_or("");
        let facts = samples::facts_of(person, now);
        let commands = samples::commands(&change);
        // Try the drawn command, then the ones after it, until one is allowed: histories get far.
        let allowed = (0..commands.len()).find_map(|step| {
            let command = &commands[(which + step) % commands.len()];
            let fits = step == 0 || person.is_empty() == command.is_for_service();
            decide(&change, command, &facts)
                .ok()
                .filter(|events| fits && !events.is_empty())
        });
        for event in allowed.into_iter().flatten() {
            change = evolve(Some(change), &event, now).expect("a change stays a change");
            log.push((event, change.clone(), now));
        }
    }
    log
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn replaying_the_events_gives_the_state(history in histories()) {
        let log = play(&history);
        let mut replayed = None;
        for (event, after, at) in &log {
            // Through JSON, as they are stored.
            let stored = serde_json::to_string(event).unwrap();
            let event: Event = serde_json::from_str(&stored).unwrap();
            replayed = evolve(replayed, &event, *at);
            prop_assert_eq!(replayed.as_ref(), Some(after));
        }
    }

    #[test]
    fn a_final_state_stays_whatever_is_asked(history in histories()) {
        let log = play(&history);
        if let Some(first) = log.iter().position(|(_, change, _)| change.state.is_final()) {
            for (_, change, _) in &log[first..] {
                prop_assert_eq!(change.state, log[first].1.state);
            }
        }
    }

    #[test]
    fn nobody_fills_two_slots_and_the_requester_none(history in histories()) {
        for (_, change, _) in play(&history) {
            let packet = change.packet;
            let mut seen = BTreeSet::new();
            for vote in change.slots.iter().flat_map(|slot| &slot.votes) {
                if vote.revision == change.revision && Some(vote.packet) == packet {
                    prop_assert!(seen.insert(vote.by.clone()), "{} fills two slots", vote.by);
                }
                prop_assert_ne!(&vote.by, &change.requester);
                prop_assert!(!change.co_authors.contains(&vote.by));
            }
        }
    }

    #[test]
    fn nothing_is_applied_without_the_full_set_of_votes_on_the_current_packet(history in histories()) {
        for (event, change, _) in play(&history) {
            if !matches!(event, Event::ApplyStarted(_)) {
                continue;
            }
            let approval = change.approval.clone().expect("approved before");
            prop_assert_eq!(Some(approval.packet), change.packet);
            if approval.break_glass.is_some() {
                continue;
            }
            prop_assert!(!change.slots.is_empty());
            for slot in &change.slots {
                prop_assert!(slot.is_filled(change.revision, approval.packet), "{:?} is not filled", slot.role);
            }
            prop_assert!(change.concerns.iter().all(|concern| concern.resolved));
        }
    }

    /// A due job moves it on, or a person must: nothing is forgotten.
    #[test]
    fn every_open_change_has_a_job_or_waits_for_a_person(history in histories()) {
        let terms = samples::facts_of("", samples::start()).terms;
        let mut jobs = BTreeSet::new();
        for (event, change, at) in play(&history) {
            for effect in react(&event, &change, &terms, at) {
                jobs.insert(effect.kind());
            }
            let moves_on: &[&str] = match change.state {
                State::Draft | State::ApplyFailed => continue,
                state if state.is_final() => continue,
                State::Submitted => &["check_admission"],
                State::ShadowTesting => &["run_test"],
                State::PolicyCheck => &["assess"],
                State::AwaitingApproval => &["expire", "remind", "escalate"],
                State::Approved => &["start_apply", "expire"],
                State::Applying => &["apply_route"],
                _ => &["verify_traffic"],
            };
            for kind in moves_on {
                prop_assert!(jobs.contains(kind), "{:?} without a job `{kind}`", change.state);
            }
        }
    }
}

#[test]
fn histories_reach_every_state() {
    let reached: BTreeSet<State> = samples::changes().iter().map(|change| change.state).collect();
    assert_eq!(reached, State::ALL.into_iter().collect());
}

#[test]
fn a_refusal_never_ends_without_a_remedy() {
    for change in samples::changes() {
        for command in samples::commands(&change) {
            for facts in samples::facts() {
                if let Err(refusal) = decide(&change, &command, &facts) {
                    assert!(refusal.message.ends_with('.'), "{}", refusal.message);
                    assert!(refusal.message.len() > 20, "{}", refusal.message);
                }
            }
        }
    }
}

//! The machine and the store's protocol, searched exhaustively: every order of steps, crashes, repeats and late results.
//!
//! The machine is the real one ([`rules`]); the protocol ([`rows`], [`steps`]) is that of `store/commit_postgres.rs` and
//! `store/queue.rs`, written once more as small steps. Reading order: [`world`] → [`steps`] → [`invariants`] →
//! [`scenarios`]. What it shows, and what it leaves out: docs/proofs.md.

mod guards;
mod invariants;
mod rows;
mod rules;
mod scenarios;
mod steps;
mod world;

use std::collections::BTreeSet;

use stateright::{Checker, HasDiscoveries, Model};

use guards::{Guard, Guards};
use rules::Rules;
use steps::{Protocol, Scenario};

fn protocol(scenario: Scenario, guards: Guards) -> Protocol {
    Protocol {
        scenario,
        guards,
        rules: Rules::default(),
    }
}

/// Searches it all; panics with the path when an invariant does not hold, or when what must be reached is not.
fn search(scenario: Scenario, guards: Guards) {
    let name = scenario.name;
    let searched = protocol(scenario, guards).checker().threads(2).spawn_bfs().join();
    searched.assert_properties();
    println!(
        "model, {name}: {} states, {} of them different, at most {} steps deep; every invariant holds",
        searched.state_count(),
        searched.unique_state_count(),
        searched.max_depth()
    );
}

/// Demands that without these guards the search finds a way to break `invariant`, and prints how long it is.
fn breaks(off: &[Guard], scenario: Scenario, invariant: &'static str) {
    let name = scenario.name;
    let searched = protocol(scenario, Guards::without(off))
        .checker()
        .finish_when(HasDiscoveries::AnyOf(BTreeSet::from([invariant])))
        .spawn_bfs()
        .join();
    let found = searched.discovery(invariant);
    let path = found.unwrap_or_else(|| panic!("without {off:?}, `{invariant}` still holds in {name}"));
    let steps = path.into_actions();
    println!(
        "model without {off:?}: {} steps break `{invariant}`: {steps:?}",
        steps.len()
    );
}

#[test]
fn votes_repeats_crashes_and_the_deadline_in_any_order() {
    search(scenarios::votes_against_the_clock(), Guards::all());
}

#[test]
fn the_last_vote_and_the_deadline_have_one_winner() {
    search(scenarios::the_last_vote_against_the_clock(), Guards::all());
}

#[test]
fn a_revision_races_the_last_vote() {
    search(scenarios::a_revision_against_the_last_vote(), Guards::all());
}

#[test]
fn frozen_workers_wake_while_a_change_is_applied_and_rolled_back() {
    search(scenarios::applying_against_a_roll_back(), Guards::all());
}

#[test]
fn one_vote_applies_nothing_and_two_chats_count_once() {
    search(scenarios::one_vote_of_three(), Guards::all());
    search(scenarios::two_chats_at_once(), Guards::all());
}

#[test]
fn two_sealers_give_every_event_one_place() {
    search(scenarios::two_sealers(), Guards::all());
}

/// The unique number of an event holds the line when the version guard falls.
#[test]
fn one_of_two_lines_of_defence_is_enough() {
    search(
        scenarios::the_last_vote_against_the_clock(),
        Guards::without(&[Guard::Version]),
    );
    search(
        scenarios::applying_against_a_roll_back(),
        Guards::without(&[Guard::Version]),
    );
    search(
        scenarios::the_last_vote_against_the_clock(),
        Guards::without(&[Guard::EventNumber, Guard::OneVote]),
    );
}

#[test]
fn without_the_version_guard_and_the_event_numbers_an_ended_change_moves_on() {
    let off = [Guard::Version, Guard::EventNumber];
    breaks(
        &off,
        scenarios::the_last_vote_against_the_clock(),
        "an ended change stays ended",
    );
    breaks(
        &off,
        scenarios::votes_against_the_clock(),
        "version and numbers count without gaps",
    );
}

#[test]
fn without_the_vote_index_as_well_one_person_counts_twice() {
    let off = [Guard::Version, Guard::EventNumber, Guard::OneVote];
    breaks(&off, scenarios::two_chats_at_once(), "nobody votes twice");
}

#[test]
fn without_the_unique_key_a_repeat_counts_again_or_is_told_otherwise() {
    breaks(
        &[Guard::Key],
        scenarios::two_chats_at_once(),
        "a key has one effect",
    );
    breaks(
        &[Guard::Key],
        scenarios::votes_against_the_clock(),
        "a key has one answer",
    );
}

#[test]
fn without_the_fencing_token_a_void_claim_counts() {
    let scenario = scenarios::applying_against_a_roll_back;
    breaks(&[Guard::Token], scenario(), "a void claim records nothing");
    let off = [Guard::Token, Guard::Version, Guard::EventNumber];
    breaks(&off, scenario(), "nothing is applied twice");
}

#[test]
fn an_answer_before_the_commit_can_be_lost() {
    let scenario = scenarios::votes_against_the_clock();
    breaks(
        &[Guard::AnswerAfterCommit],
        scenario,
        "what was acknowledged is in the rows",
    );
}

#[test]
fn without_jobs_in_the_commit_or_leases_a_change_is_forgotten() {
    let scenario = scenarios::applying_against_a_roll_back;
    breaks(&[Guard::JobsInCommit], scenario(), "an open change has a job");
    breaks(&[Guard::Lease], scenario(), "an open change has a job");
}

#[test]
fn without_generations_the_gateway_goes_back() {
    let scenario = scenarios::applying_against_a_roll_back();
    breaks(&[Guard::Generation], scenario, "the gateway never goes back");
}

#[test]
fn without_the_packet_in_the_vote_it_counts_for_what_nobody_saw() {
    let scenario = scenarios::a_revision_against_the_last_vote();
    breaks(
        &[Guard::PacketSeen],
        scenario,
        "a vote counts for what its caster saw",
    );
}

#[test]
fn without_the_full_vote_set_something_is_applied_too_early() {
    let scenario = scenarios::one_vote_of_three();
    breaks(
        &[Guard::FullVoteSet],
        scenario,
        "nothing is applied without every vote",
    );
}

#[test]
fn without_the_heads_swap_an_event_is_sealed_twice() {
    let scenario = scenarios::two_sealers();
    breaks(
        &[Guard::HeadSwap],
        scenario,
        "every event has one place in the ledger, in order",
    );
}

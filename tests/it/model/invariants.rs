//! What must hold in every state, and what must be reached in some.

use std::collections::BTreeSet;

use stateright::Property;
use workflow_engine::change::state::State;

use super::{
    guards::Guard,
    rows::{Key, Rows, Stands, What},
    steps::Protocol,
    world::{Replica, Task, World},
};

/// All of them.
pub(super) fn properties() -> Vec<Property<Protocol>> {
    let must = Property::<Protocol>::always;
    vec![
        must("nothing is applied without every vote", |_, world| {
            !world.gateway.given_without_votes
        }),
        must("nothing is applied twice", |_, world| {
            count(&world.rows, |what| matches!(what, What::Applied(_))) <= 1
        }),
        must("version and numbers count without gaps", |model, world| {
            let before = model.scenario.change.change.events;
            let numbers = world.rows.events.iter().map(|mark| mark.n);
            numbers.eq((before + 1)..=world.rows.change.change.events)
                && usize::try_from(world.rows.version)
                    .is_ok_and(|version| version == world.rows.commands.len())
        }),
        must("an ended change stays ended", |_, world| !world.rows.end_was_left),
        must("an open change has a job", has_a_job),
        must("a key has one answer", |_, world| {
            world.people.iter().all(|asking| !asking.contradicted)
        }),
        must("a key has one effect", |_, world| {
            let keys: BTreeSet<&Key> = world.rows.commands.iter().map(|(key, _)| key).collect();
            keys.len() == world.rows.commands.len()
        }),
        must("what was acknowledged is in the rows", acknowledged_is_kept),
        must("a void claim records nothing", |_, world| {
            !world.rows.void_claim_counted
        }),
        must("the gateway never goes back", |_, world| !world.gateway.went_back),
        must("nobody votes twice", |_, world| {
            let votes = &world.rows.votes;
            let people: BTreeSet<_> = votes.iter().map(|vote| (vote.revision, &vote.by)).collect();
            people.len() == votes.len()
        }),
        must("a vote counts for what its caster saw", |model, world| {
            let seen = model.scenario.change.change.revision.0;
            world.rows.votes.iter().all(|vote| vote.revision == seen)
        }),
        must(
            "every event has one place in the ledger, in order",
            |model, world| {
                let places = world.rows.sealed.iter().chain(&world.rows.pending).copied();
                let first = model.scenario.change.change.events + 1;
                places.eq((first..).take(world.rows.events.len()))
            },
        ),
    ]
}

/// Whether three people of three roles said yes to the revision that is being applied.
pub(super) fn every_vote_is_in(rows: &Rows) -> bool {
    let now = rows.change.change.revision.0;
    let votes = || rows.votes.iter().filter(|vote| vote.revision == now);
    let roles: BTreeSet<_> = votes().map(|vote| vote.role).collect();
    let people: BTreeSet<_> = votes().map(|vote| &vote.by).collect();
    roles.len() == 3 && people.len() == 3
}

/// How many events are of that sort.
pub(super) fn count(rows: &Rows, of: impl Fn(What) -> bool) -> usize {
    rows.events.iter().filter(|mark| of(mark.what)).count()
}

/// A job that is not done moves it on, or a person must; a claimed one comes back, or somebody is at it.
fn has_a_job(model: &Protocol, world: &World) -> bool {
    let restored = count(&world.rows, |what| what == What::Restored) > 0;
    let kind = match world.rows.change.change.state {
        State::Draft | State::ApplyFailed => return true,
        State::Submitted => "check_admission",
        State::PolicyCheck => "assess",
        State::AwaitingApproval => "expire",
        State::Approved => "start_apply",
        State::Applying => "apply_route",
        State::Verifying => "verify_traffic",
        State::RolledBack if !restored => "restore_route",
        _ => return true,
    };
    let held = |place: usize| {
        world.replicas.iter().any(|replica| match replica {
            Replica::Working { claim, .. }
            | Replica::Decided {
                task: Task::Job(claim),
                ..
            } => usize::from(claim.job) == place,
            _ => false,
        })
    };
    let waits_to_be_written = world.replicas.iter().any(|replica| match replica {
        Replica::Enqueueing { jobs } => jobs.0.iter().any(|job| job.kind == kind),
        _ => false,
    });
    let mut jobs = world
        .rows
        .jobs
        .iter()
        .enumerate()
        .filter(|(_, job)| job.kind == kind);
    waits_to_be_written
        || jobs.any(|(place, job)| match job.stands {
            Stands::Waits => true,
            Stands::Claimed => model.guards.hold(Guard::Lease) || held(place),
            Stands::Done => false,
        })
}

/// Before the commit nobody may have heard of what a crash can still undo.
fn acknowledged_is_kept(_: &Protocol, world: &World) -> bool {
    (0..).zip(&world.people).all(|(person, asking)| {
        let at_work = world.replicas.iter().any(|replica| {
            matches!(replica, Replica::Decided { task: Task::Person(other), .. } if *other == person)
        });
        asking.told.is_none() || at_work || world.rows.answered(Key::Person(person)) == asking.told
    })
}

//! What can happen next: every step of a replica, of the network and of time, in any order.

use stateright::{Model, Property};
use workflow_engine::change::{
    command::Command,
    state::{Change, State},
};

use super::{
    guards::{Guard, Guards},
    invariants,
    rows::{Claim, Committed, JobRow, Key, Rows, Stands},
    rules::{Asked, Decision, Kept, Rules, command_of},
    world::{Asking, Gateway, Outbox, Planned, Replica, Task, World},
};

/// Where it begins, who asks for what, and how much of each trouble may come.
#[derive(Clone)]
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) change: Kept,
    pub(super) jobs: Vec<JobRow>,
    pub(super) votes: Vec<super::rows::Cast>,
    pub(super) people: Vec<(&'static str, Command)>,
    /// The jobs that the replicas serve.
    pub(super) kinds: &'static [&'static str],
    /// The last moment that comes.
    pub(super) until: u8,
    pub(super) repeats: u8,
    pub(super) crashes: u8,
    /// How often one job may be claimed.
    pub(super) claims: u8,
    pub(super) seals: u8,
    /// What some order of steps must lead to; otherwise the search shows nothing.
    pub(super) reaches: &'static [Reached],
}

/// A word for something, and how it is seen.
pub(super) type Reached = (&'static str, fn(&Protocol, &World) -> bool);

/// A scenario under guards.
pub(super) struct Protocol {
    pub(super) scenario: Scenario,
    pub(super) guards: Guards,
    pub(super) rules: Rules,
}

/// One step. Replicas are named by their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A copy of a person's command reaches a free replica, which reads and decides.
    Take(u8),
    /// The person, or the network, sends it again.
    Repeat(u8),
    /// The write of what was decided reaches the database.
    Write(usize),
    /// The refused command's key is looked up.
    LookUp(usize),
    /// The person hears the answer.
    Tell(usize),
    /// The answer is lost.
    LoseAnswer(usize),
    /// The replica dies.
    Crash(usize),
    /// A free replica claims a due job.
    Claim(u8),
    /// A claim's lease runs out: its worker is dead, frozen or slow.
    LeaseEnds(u8),
    /// The claimed work is done: at the gateway where it has some, then decided.
    Work(usize),
    /// Jobs are written after their commit: only without the guard.
    Enqueue(usize),
    /// A free replica reads what waits to be sealed.
    Seal,
    /// The head moves.
    WriteSeal(usize),
    /// The next moment comes.
    TimePasses,
}

impl Model for Protocol {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        let scenario = &self.scenario;
        vec![World {
            now: 0,
            rows: Rows::new(
                scenario.change.clone(),
                scenario.jobs.clone(),
                scenario.votes.clone(),
            ),
            people: scenario.people.iter().map(|_| Asking::new()).collect(),
            replicas: vec![Replica::Free; 2],
            gateway: Gateway::default(),
            repeats: scenario.repeats,
            crashes: scenario.crashes,
            seals: scenario.seals,
        }]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        let free = world.replicas.contains(&Replica::Free);
        for (person, asking) in (0..).zip(&world.people) {
            if free && asking.under_way > 0 {
                steps.push(Step::Take(person));
            }
            if world.repeats > 0 {
                steps.push(Step::Repeat(person));
            }
        }
        for (place, job) in (0..).zip(&world.rows.jobs) {
            let again = job.token < self.scenario.claims;
            let serves = self.scenario.kinds.contains(&job.kind);
            if free && serves && again && job.stands == Stands::Waits && job.due <= world.now {
                steps.push(Step::Claim(place));
            }
            if again && job.stands == Stands::Claimed && self.guards.hold(Guard::Lease) {
                steps.push(Step::LeaseEnds(place));
            }
        }
        if free && world.seals > 0 && !world.rows.pending.is_empty() {
            steps.push(Step::Seal);
        }
        if world.now < self.scenario.until {
            steps.push(Step::TimePasses);
        }
        for (place, replica) in world.replicas.iter().enumerate() {
            match replica {
                Replica::Free => continue,
                Replica::Working { .. } => steps.push(Step::Work(place)),
                Replica::Decided { .. } => steps.push(Step::Write(place)),
                Replica::Refused { .. } => steps.push(Step::LookUp(place)),
                Replica::Answering { .. } => steps.extend([Step::Tell(place), Step::LoseAnswer(place)]),
                Replica::Enqueueing { .. } => steps.push(Step::Enqueue(place)),
                Replica::Sealing { .. } => steps.push(Step::WriteSeal(place)),
            }
            if world.crashes > 0 {
                steps.push(Step::Crash(place));
            }
        }
    }

    fn next_state(&self, before: &World, step: Step) -> Option<World> {
        let mut world = before.clone();
        match step {
            Step::Take(person) => self.take(&mut world, person),
            Step::Repeat(person) => {
                world.repeats -= 1;
                world.people[usize::from(person)].under_way += 1;
            }
            Step::Write(place) => self.write(&mut world, place),
            Step::LookUp(place) => self.look_up(&mut world, place),
            Step::Tell(place) => tell(&mut world, place),
            Step::LoseAnswer(place) => world.replicas[place] = Replica::Free,
            Step::Crash(place) => {
                world.crashes -= 1;
                world.replicas[place] = Replica::Free;
            }
            Step::Claim(job) => claim(&mut world, job),
            Step::LeaseEnds(job) => world.rows.jobs[usize::from(job)].stands = Stands::Waits,
            Step::Work(place) => self.work(&mut world, place),
            Step::Enqueue(place) => {
                if let Replica::Enqueueing { jobs } = leave(&mut world, place) {
                    world.rows.enqueue(&jobs.0);
                }
            }
            Step::Seal => {
                world.seals -= 1;
                let (size, taken) = (world.rows.sealed.len(), world.rows.pending.clone());
                enter(&mut world, Replica::Sealing { size, taken });
            }
            Step::WriteSeal(place) => self.write_seal(&mut world, place),
            Step::TimePasses => world.now += 1,
        }
        world.replicas.sort();
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let reaches = self.scenario.reaches.iter();
        let reached = reaches.map(|(name, state)| Property::sometimes(name, *state));
        invariants::properties().into_iter().chain(reached).collect()
    }
}

impl Protocol {
    fn take(&self, world: &mut World, person: u8) {
        let asking = &mut world.people[usize::from(person)];
        asking.under_way -= 1;
        let replica = self.decide_for(world, person);
        if let Replica::Decided { version, .. } = &replica
            && !self.guards.hold(Guard::AnswerAfterCommit)
        {
            world.people[usize::from(person)].told = Some(version + 1);
        }
        enter(world, replica);
    }

    fn decide_for(&self, world: &World, person: u8) -> Replica {
        let (who, command) = &self.scenario.people[usize::from(person)];
        let mut command = command.clone();
        if let Command::Vote(ballot) = &mut command
            && !self.guards.hold(Guard::PacketSeen)
        {
            let change = &world.rows.change.change;
            ballot.revision = change.revision;
            ballot.packet = change.packet.unwrap_or(ballot.packet);
        }
        match self.decide(world, (Asked::Person(person), Some(who), command)) {
            Ok(next) => Replica::Decided {
                task: Task::Person(person),
                version: world.rows.version,
                next: Planned(next),
            },
            Err(_) => Replica::Refused { person },
        }
    }

    fn decide(&self, world: &World, asked: (Asked, Option<&str>, Command)) -> Decision {
        self.rules
            .decide(&self.guards, &world.rows.change, asked, world.now)
    }

    /// Decides what a claimed job reports; one that is refused is done, because the change has moved on without it.
    fn decide_report(&self, world: &mut World, claim: Claim) -> Replica {
        let job = &world.rows.jobs[usize::from(claim.job)];
        let (kind, about) = (job.kind, job.about);
        let command = command_of(kind, about, &world.rows.change.change);
        match self.decide(world, (Asked::Job(kind, about), None, command)) {
            Ok(next) => Replica::Decided {
                task: Task::Job(claim),
                version: world.rows.version,
                next: Planned(next),
            },
            Err(_) => {
                world.rows.end(&self.guards, claim, Stands::Done);
                Replica::Free
            }
        }
    }

    fn work(&self, world: &mut World, place: usize) {
        let Replica::Working { claim, go } = leave(world, place) else {
            return;
        };
        let job = &world.rows.jobs[usize::from(claim.job)];
        let (kind, about) = (job.kind, job.about);
        let at_the_gateway = matches!(kind, "apply_route" | "restore_route");
        if go && kind == "apply_route" {
            world.gateway.given_without_votes |= !invariants::every_vote_is_in(&world.rows);
        }
        if !go || (at_the_gateway && !world.gateway.write(&self.guards, about)) {
            world.rows.end(&self.guards, claim, Stands::Done);
            return;
        }
        world.replicas[place] = self.decide_report(world, claim);
    }

    fn write(&self, world: &mut World, place: usize) {
        let Replica::Decided { task, version, next } = leave(world, place) else {
            return;
        };
        let key = match task {
            Task::Person(person) => Key::Person(person),
            Task::Job(claim) => Key::Claim(claim),
        };
        let (committed, later) = world.rows.commit(&self.guards, key, version, &next.0);
        world.replicas[place] = match (task, committed) {
            (_, Committed::Applied(_)) if !later.is_empty() => Replica::Enqueueing { jobs: Outbox(later) },
            (Task::Person(_), Committed::Applied(_)) if !self.guards.hold(Guard::AnswerAfterCommit) => {
                Replica::Free
            }
            (Task::Person(person), Committed::Applied(made) | Committed::KeyTaken(made)) => {
                world.people[usize::from(person)].answer(Some(made));
                Replica::Answering { person, made }
            }
            (Task::Person(person), Committed::VersionMoved) => self.decide_for(world, person),
            (Task::Job(claim), Committed::VersionMoved) => self.decide_report(world, claim),
            (Task::Job(claim), Committed::Duplicate) => {
                world.rows.end(&self.guards, claim, Stands::Waits);
                Replica::Free
            }
            // A person is told that it is unknown what happened, and repeats.
            _ => Replica::Free,
        };
    }

    /// A refusal is told and nothing comes of it, unless the key was answered before.
    fn look_up(&self, world: &mut World, place: usize) {
        let Replica::Refused { person } = leave(world, place) else {
            return;
        };
        let known = world.rows.answered(Key::Person(person));
        let made = known.filter(|_| self.guards.hold(Guard::Key));
        world.people[usize::from(person)].answer(made);
        if let Some(made) = made {
            world.replicas[place] = Replica::Answering { person, made };
        }
    }

    fn write_seal(&self, world: &mut World, place: usize) {
        let Replica::Sealing { size, taken } = leave(world, place) else {
            return;
        };
        if self.guards.hold(Guard::HeadSwap) && world.rows.sealed.len() != size {
            return;
        }
        world.rows.pending.retain(|n| !taken.contains(n));
        world.rows.sealed.extend(taken);
    }
}

/// A free replica begins something.
fn enter(world: &mut World, replica: Replica) {
    let place = world
        .replicas
        .iter()
        .position(|other| *other == Replica::Free)
        .unwrap();
    world.replicas[place] = replica;
}

/// What the replica was at; it is free now.
fn leave(world: &mut World, place: usize) -> Replica {
    std::mem::replace(&mut world.replicas[place], Replica::Free)
}

fn tell(world: &mut World, place: usize) {
    if let Replica::Answering { person, made } = leave(world, place) {
        world.people[usize::from(person)].told = Some(made);
    }
}

fn claim(world: &mut World, place: u8) {
    let job = &mut world.rows.jobs[usize::from(place)];
    job.token += 1;
    job.stands = Stands::Claimed;
    let claim = Claim {
        job: place,
        token: job.token,
    };
    let go = has_work(job, &world.rows.change.change);
    enter(world, Replica::Working { claim, go });
}

/// What the handlers in `bot/src/jobs` look at before they touch the gateway.
fn has_work(job: &JobRow, change: &Change) -> bool {
    let current = change.application.as_ref().map(|it| it.generation) == Some(job.about);
    match job.kind {
        "apply_route" => change.state == State::Applying && current,
        "restore_route" => change.state == State::RolledBack && current,
        _ => true,
    }
}

//! The rows of one change and what one commit does to them: the protocol of `store/commit_postgres.rs`, guard by guard.

use workflow_engine::{change::state::State, values::Role};

use super::{
    guards::{Guard, Guards},
    rules::{Kept, Next},
};

/// One event row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Mark {
    /// Its number within the change.
    pub(super) n: u32,
    /// What the invariants need to know of it.
    pub(super) what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum What {
    ApplyStarted(u64),
    Applied(u64),
    Restored,
    Ended(State),
    Other(&'static str),
}

/// One vote row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Cast {
    pub(super) revision: u32,
    pub(super) role: Role,
    pub(super) by: String,
}

/// One job row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct JobRow {
    pub(super) kind: &'static str,
    /// The revision or generation it is about.
    pub(super) about: u64,
    /// The event that asked for it.
    event: u32,
    /// The moment at which it is due.
    pub(super) due: u8,
    /// Its newest claim.
    pub(super) token: u8,
    pub(super) stands: Stands,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Stands {
    Waits,
    Claimed,
    Done,
}

impl JobRow {
    pub(super) fn new(kind: &'static str, about: u64, event: u32, due: u8) -> Self {
        Self {
            kind,
            about,
            event,
            due,
            token: 0,
            stands: Stands::Waits,
        }
    }
}

/// A claim on a job, by the job's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Claim {
    pub(super) job: u8,
    pub(super) token: u8,
}

/// Under which a command is known: who asks, or which claim reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Key {
    Person(u8),
    Claim(Claim),
}

/// What came of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Committed {
    /// It made this version: the answer, kept under the key.
    Applied(u32),
    /// It had made this version before.
    KeyTaken(u32),
    VersionMoved,
    ClaimLost,
    /// A unique index refused the whole statement.
    Duplicate,
}

/// The database.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Rows {
    pub(super) version: u32,
    pub(super) change: Kept,
    pub(super) events: Vec<Mark>,
    /// The version that each made.
    pub(super) commands: Vec<(Key, u32)>,
    pub(super) votes: Vec<Cast>,
    pub(super) jobs: Vec<JobRow>,
    /// Events that wait for their place in the ledger, and those that have one.
    pub(super) pending: Vec<u32>,
    pub(super) sealed: Vec<u32>,
    /// What no row shows afterwards: a void claim recorded something; an ended change moved.
    pub(super) void_claim_counted: bool,
    pub(super) end_was_left: bool,
}

impl Rows {
    pub(super) fn new(change: Kept, jobs: Vec<JobRow>, votes: Vec<Cast>) -> Self {
        Self {
            version: 0,
            change,
            events: Vec::new(),
            commands: Vec::new(),
            votes,
            jobs,
            pending: Vec::new(),
            sealed: Vec::new(),
            void_claim_counted: false,
            end_was_left: false,
        }
    }

    /// The stored answer under `key`.
    pub(super) fn answered(&self, key: Key) -> Option<u32> {
        let mut known = self.commands.iter();
        known.find(|(other, _)| *other == key).map(|(_, answer)| *answer)
    }

    /// Whether `claim` is the newest on a job that is not done.
    fn holds(&self, claim: Claim) -> bool {
        let job = &self.jobs[usize::from(claim.job)];
        job.token == claim.token && job.stands != Stands::Done
    }

    /// One transition, all of it or nothing. Answers the jobs that it left out when they are not part of the commit.
    pub(super) fn commit(
        &mut self,
        guards: &Guards,
        key: Key,
        expected: u32,
        next: &Next,
    ) -> (Committed, Vec<JobRow>) {
        let claim = match key {
            Key::Claim(claim) => Some(claim),
            Key::Person(_) => None,
        };
        if let Some(refused) = self.refuses(guards, key, expected, next) {
            return (refused, Vec::new());
        }
        let answer = expected + 1;
        self.end_was_left |=
            self.change.change.state.is_final() && self.change.change.state != next.after.change.state;
        self.version += 1;
        self.change = next.after.clone();
        self.events.extend(&next.marks);
        self.pending.extend(next.marks.iter().map(|mark| mark.n));
        self.votes.extend(next.votes.iter().cloned());
        self.commands.push((key, answer));
        if let Some(claim) = claim {
            self.void_claim_counted |= !self.holds(claim);
            self.jobs[usize::from(claim.job)].stands = Stands::Done;
        }
        if guards.hold(Guard::JobsInCommit) {
            self.enqueue(&next.jobs);
            return (Committed::Applied(answer), Vec::new());
        }
        (Committed::Applied(answer), next.jobs.clone())
    }

    fn refuses(&self, guards: &Guards, key: Key, expected: u32, next: &Next) -> Option<Committed> {
        if guards.hold(Guard::Key)
            && let Some(answer) = self.answered(key)
        {
            return Some(Committed::KeyTaken(answer));
        }
        if let Key::Claim(claim) = key
            && guards.hold(Guard::Token)
            && !self.holds(claim)
        {
            return Some(Committed::ClaimLost);
        }
        if guards.hold(Guard::Version) && self.version != expected {
            return Some(Committed::VersionMoved);
        }
        let numbered_twice = || {
            self.events
                .iter()
                .any(|old| next.marks.iter().any(|new| new.n == old.n))
        };
        let voted_twice = || {
            self.votes.iter().any(|old| {
                next.votes
                    .iter()
                    .any(|new| (new.revision, &new.by) == (old.revision, &old.by))
            })
        };
        let duplicate = (guards.hold(Guard::EventNumber) && numbered_twice())
            || (guards.hold(Guard::OneVote) && voted_twice());
        duplicate.then_some(Committed::Duplicate)
    }

    /// Writes jobs, each once.
    pub(super) fn enqueue(&mut self, jobs: &[JobRow]) {
        for job in jobs {
            let known = self
                .jobs
                .iter()
                .any(|old| (old.kind, old.event) == (job.kind, job.event));
            if !known {
                self.jobs.push(job.clone());
            }
        }
    }

    /// Ends (or gives back) the job of `claim`, if the claim still counts.
    pub(super) fn end(&mut self, guards: &Guards, claim: Claim, stands: Stands) {
        if guards.hold(Guard::Token) && !self.holds(claim) {
            return;
        }
        self.void_claim_counted |= !self.holds(claim);
        self.jobs[usize::from(claim.job)].stands = stands;
    }
}

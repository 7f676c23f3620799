//! Everything there is in the model: the rows, two replicas at work, people who repeat themselves, the gateway.

use std::sync::Arc;

use super::{
    guards::{Guard, Guards},
    rows::{Claim, JobRow, Rows},
    rules::Next,
};

/// One state of the whole.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct World {
    /// Which of the model's moments it is.
    pub(super) now: u8,
    pub(super) rows: Rows,
    pub(super) people: Vec<Asking>,
    /// In order of what they do: a replica has no identity, because no row knows it.
    pub(super) replicas: Vec<Replica>,
    pub(super) gateway: Gateway,
    /// Repeats, crashes and sealings that may still come.
    pub(super) repeats: u8,
    pub(super) crashes: u8,
    pub(super) seals: u8,
}

/// A person's command under one key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Asking {
    /// Copies in the network. One that is never taken is a lost one.
    pub(super) under_way: u8,
    /// The version that some replica found it to have made.
    pub(super) done: Option<u32>,
    /// The version that the person was told it has made.
    pub(super) told: Option<u32>,
    /// Whether a replica, after it was done, found anything else.
    pub(super) contradicted: bool,
}

impl Asking {
    /// A command that nobody has taken yet.
    pub(super) fn new() -> Self {
        Self {
            under_way: 1,
            done: None,
            told: None,
            contradicted: false,
        }
    }

    /// A replica knows the answer: the version it made, or none when it was refused. A refusal records nothing, so
    /// another copy may still succeed; the other way round must not be.
    pub(super) fn answer(&mut self, made: Option<u32>) {
        self.contradicted |= self.done.is_some() && self.done != made;
        self.done = self.done.or(made);
    }
}

/// What a replica is at. A crash may come at each of these points.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Replica {
    Free,
    /// Has claimed a job and looked at its change; `go` when there is something to do.
    Working {
        claim: Claim,
        go: bool,
    },
    /// Has read the rows at `version` and decided; the write is on its way.
    Decided {
        task: Task,
        version: u32,
        next: Planned,
    },
    /// Was refused by the rules; looks whether the key was answered before.
    Refused {
        person: u8,
    },
    /// It is done and made this version; nobody was told yet.
    Answering {
        person: u8,
        made: u32,
    },
    /// Has committed and would write the jobs afterwards: only without [`Guard::JobsInCommit`].
    Enqueueing {
        jobs: Outbox,
    },
    /// Has read what waits to be sealed onto a head of that size.
    Sealing {
        size: usize,
        taken: Vec<u32>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Task {
    Person(u8),
    Job(Claim),
}

/// A decision on its way into the rows, told apart by what it makes.
#[derive(Clone, Debug)]
pub(super) struct Planned(pub(super) Arc<Next>);

/// Jobs on their way into the rows, told apart by their kinds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Outbox(pub(super) Vec<JobRow>);

impl Planned {
    /// The numbers of its events, and the change it makes: enough to tell two plans apart.
    fn print(&self) -> (Vec<u32>, u64) {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        self.0.after.hash(&mut hasher);
        (self.0.marks.iter().map(|mark| mark.n).collect(), hasher.finish())
    }
}

impl PartialEq for Planned {
    fn eq(&self, other: &Self) -> bool {
        self.print() == other.print()
    }
}

impl Eq for Planned {}

impl PartialOrd for Planned {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Planned {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.print().cmp(&other.print())
    }
}

impl std::hash::Hash for Planned {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.print().hash(state);
    }
}

impl PartialOrd for Outbox {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Outbox {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let kinds = |outbox: &Self| {
            outbox
                .0
                .iter()
                .map(|job| (job.kind, job.about))
                .collect::<Vec<_>>()
        };
        kinds(self).cmp(&kinds(other))
    }
}

/// What serves the workflow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Gateway {
    newest: u64,
    /// What no later look at it shows: it went back; it was given a route without every vote.
    pub(super) went_back: bool,
    pub(super) given_without_votes: bool,
}

impl Gateway {
    /// Takes a write of that generation, or refuses it as too old. The same one again changes nothing.
    pub(super) fn write(&mut self, guards: &Guards, generation: u64) -> bool {
        if generation < self.newest {
            if guards.hold(Guard::Generation) {
                return false;
            }
            self.went_back = true;
        }
        self.newest = generation;
        true
    }
}

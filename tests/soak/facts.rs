//! What is known after a run: what was sent and answered, what the database holds, what the receivers got.

use std::collections::BTreeMap;

/// Everything the checker looks at.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Commands, each with all the answers it got.
    pub sent: Vec<Sent>,
    /// Events, by row.
    pub events: Vec<EventFact>,
    /// Commands that the database remembers: key and change.
    pub commands: Vec<(String, String)>,
    /// Changes.
    pub changes: Vec<ChangeFact>,
    /// Jobs, done or not.
    pub jobs: Vec<JobFact>,
    /// Votes.
    pub votes: Vec<VoteFact>,
    /// By workflow: the generation of the route that serves it, as the database says.
    pub live: BTreeMap<String, u64>,
    /// Leaves of the ledger in their places.
    pub leaves: Vec<Leaf>,
    /// Size and root of the newest checkpoint.
    pub head: Option<(usize, Vec<u8>)>,
    /// Events that wait to be sealed.
    pub unsealed: usize,
    /// Deliveries of the chat that nobody has taken up.
    pub untaken: usize,
    /// When the database was read, milliseconds UTC by the replicas' clock.
    pub now: i64,
    /// What the receivers got; none when there were none.
    pub effects: Option<Effects>,
}

/// One command of the driver.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Its key; the surface it came by puts its own words before it.
    pub key: String,
    /// What: `file`, `vote`, …
    pub what: &'static str,
    /// What came back, in order; a repeat gives one more.
    pub answers: Vec<Answer>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is recorded.
    Recorded {
        /// The change's number.
        number: u64,
        /// Numbers of the events that it made; none where the answer does not tell them.
        events: Option<Vec<u32>>,
    },
    /// The rules do not allow it: the code.
    Refused(String),
    /// Something inside is wrong: nothing of it may be there, and it must not have come to that.
    Failed(String),
    /// Nothing, or that nobody knows: it may have happened.
    Lost,
}

/// One stored event.
#[derive(Clone, Debug)]
pub struct EventFact {
    /// Its row.
    pub seq: i64,
    /// Its change, or another stream.
    pub change: String,
    /// Its number within it.
    pub n: u32,
    /// Its word.
    pub kind: String,
    /// Key of the command that made it.
    pub key: String,
    /// Its bytes.
    pub body: Vec<u8>,
    /// Hash of the one before.
    pub prev: Vec<u8>,
    /// Its own hash.
    pub hash: Vec<u8>,
}

/// One change.
#[derive(Clone, Debug)]
pub struct ChangeFact {
    /// Its id.
    pub id: String,
    /// Its number.
    pub number: u64,
    /// Its workflow.
    pub workflow: String,
    /// Its state's word.
    pub state: String,
    /// Commits.
    pub version: i64,
    /// Events.
    pub event_n: u32,
    /// Hash of its last event.
    pub head: Vec<u8>,
}

/// One job.
#[derive(Clone, Debug)]
pub struct JobFact {
    /// Its id.
    pub id: String,
    /// Its change, if it has one.
    pub change: Option<String>,
    /// The event that asked for it.
    pub event_n: Option<u32>,
    /// Its handler.
    pub kind: String,
    /// When it is due.
    pub due_at: i64,
    /// The last claim.
    pub token: i64,
    /// Whether that claim was never let go.
    pub claimed: bool,
    /// Whether it has ended.
    pub done: bool,
    /// How.
    pub outcome: Option<String>,
    /// What went wrong last.
    pub error: Option<String>,
}

/// One vote.
#[derive(Clone, Debug)]
pub struct VoteFact {
    /// The change.
    pub change: String,
    /// Its edition.
    pub revision: i32,
    /// The role.
    pub slot: String,
    /// Which of the role's places.
    pub seat: i32,
    /// Who.
    pub approver: String,
}

/// One leaf of the ledger.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// The event's row.
    pub seq: i64,
    /// Its digest.
    pub digest: Vec<u8>,
}

/// What the receivers got.
#[derive(Clone, Debug, Default)]
pub struct Effects {
    /// Marks of the messages in the channel, oldest first: `root:7`, `event.3:7`.
    pub posts: Vec<String>,
    /// Writes of the gateway's admin API, oldest first: `POST /model/new governor-flow-1-g7`.
    pub writes: Vec<String>,
    /// By workflow: names of the deployments that serve it at the end.
    pub serving: BTreeMap<String, Vec<String>>,
}

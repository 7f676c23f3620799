//! The one way to change a change: events, next state, jobs and the answer to the command in one atomic commit.

use chrono::{DateTime, Utc};

use super::{commit_sqlite, db::Db, error::StoreError};
use crate::values::{ChangeId, Digest, JobId};

/// A transition as rows. Ids and times are made by the engine; the store inserts them as they are.
#[derive(Clone, Debug)]
pub struct Commit {
    /// The change as it is afterwards.
    pub change: ChangeRow,
    /// The version that the rules looked at; none for a change that does not exist yet.
    pub expected_version: Option<i64>,
    /// The catalog that the rules looked at; none before the first. Not looked at for a change that does not exist yet.
    pub expected_catalog: Option<Digest>,
    /// The command and its answer, for repeats.
    pub command: CommandRow,
    /// What happened, in order.
    pub events: Vec<EventRow>,
    /// What must be done.
    pub jobs: Vec<JobRow>,
    /// Votes that now count.
    pub votes: Vec<VoteRow>,
    /// What people wrote.
    pub notes: Vec<NoteRow>,
    /// The job whose result this is: it is done in the same commit, and only if its token still holds.
    pub completes: Option<JobTicket>,
    /// The route that serves the workflow from now on, when this transition says so.
    pub live_route: Option<LiveRoute>,
    /// The time of the transition.
    pub at: DateTime<Utc>,
}

/// The newest state of a change.
#[derive(Clone, Debug)]
pub struct ChangeRow {
    /// Its id.
    pub id: ChangeId,
    /// Its number.
    pub number: i64,
    /// Its workflow.
    pub workflow: String,
    /// Who filed it.
    pub requester: String,
    /// Its state's word.
    pub state: &'static str,
    /// One more at each commit.
    pub version: i64,
    /// Its edition.
    pub revision: i32,
    /// The version of the rules that it follows.
    pub definition_version: i32,
    /// How many events it has.
    pub event_n: i32,
    /// Hash of its last event.
    pub head_hash: Digest,
    /// When it expires.
    pub deadline_at: Option<i64>,
    /// When it was filed.
    pub filed_at: i64,
    /// The whole aggregate as JSON.
    pub body: String,
}

/// A command and what came of it.
#[derive(Clone, Debug)]
pub struct CommandRow {
    /// Who repeats it uses the same.
    pub key: String,
    /// What was asked, so that the same key for something else is noticed.
    pub payload_sha256: Digest,
    /// JSON of the answer.
    pub result: String,
}

/// One event as it is hashed.
#[derive(Clone, Debug)]
pub struct EventRow {
    /// Its number within the change, from 1.
    pub n: i32,
    /// Its word.
    pub kind: &'static str,
    /// Who.
    pub actor: String,
    /// Canonical JSON: these bytes are hashed, sealed and exported.
    pub body: Vec<u8>,
    /// Hash of the event before it; zeros for the first.
    pub prev_hash: Digest,
    /// SHA-256 of `prev_hash` and `body`.
    pub hash: Digest,
}

/// One job to be done.
#[derive(Clone, Debug)]
pub struct JobRow {
    /// Its id.
    pub id: JobId,
    /// The event that asks for it.
    pub event_n: i32,
    /// Which handler.
    pub kind: &'static str,
    /// Jobs of one lane run one after the other.
    pub lane: Option<String>,
    /// Of chores: asked for once under this word. What a commit asks for is asked for once with it.
    pub dedup: Option<String>,
    /// JSON for the handler.
    pub payload: String,
    /// When.
    pub due_at: i64,
    /// How often it is tried.
    pub max_attempts: i32,
}

/// One vote: a second guard beside the version.
#[derive(Clone, Debug)]
pub struct VoteRow {
    /// The edition.
    pub revision: i32,
    /// The role.
    pub slot: &'static str,
    /// Which of the slot's places, from 0.
    pub seat: i32,
    /// Who.
    pub approver: String,
    /// The packet.
    pub packet_sha256: Digest,
}

/// Text of a person.
#[derive(Clone, Debug)]
pub struct NoteRow {
    /// Its id.
    pub id: String,
    /// Who wrote it.
    pub author: String,
    /// 32 random bytes: without them the commitment tells nothing.
    pub salt: Vec<u8>,
    /// The text.
    pub body: String,
}

/// A claim on a job.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct JobTicket {
    /// Its row.
    pub seq: i64,
    /// Its name outside of the queue.
    pub id: JobId,
    /// The claim; a later one makes it void.
    pub token: i64,
}

/// What serves a workflow.
#[derive(Clone, Debug)]
pub struct LiveRoute {
    /// JSON of the route.
    pub route: String,
    /// The generation of the write that made it live.
    pub generation: i64,
}

/// What came of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Committed {
    /// It is durable.
    Applied,
    /// Somebody else changed the change or the catalog first; look again.
    VersionMoved,
    /// The key is taken: it happened before, or means something else.
    KeyTaken {
        /// What was asked under it.
        payload_sha256: Digest,
        /// The answer then.
        result: String,
    },
    /// The job's claim is void: the result is dropped.
    ClaimLost,
}

/// Makes `commit` durable, all of it or nothing.
///
/// # Errors
/// When the database cannot be written; nothing has happened then, or it has and a repeat with the same key finds out.
pub async fn commit(db: &Db, commit: Commit) -> Result<Committed, StoreError> {
    match db.transitions() {
        Some(transitions) => transitions.commit(commit).await,
        None => commit_sqlite::commit(db, commit).await,
    }
}

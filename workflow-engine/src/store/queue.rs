//! The one queue: what is put in, how a job that failed goes on, dead letters. Claims are in [`super::claims`].

use sea_orm::{ConnectionTrait, QueryResult, Statement, Value};

use super::{
    commit::{JobRow, JobTicket},
    db::Db,
    error::StoreError,
    singleton::{self, Fence},
    statement::Text,
};
use crate::values::JobId;

/// A claimed job.
#[derive(Clone, Debug)]
pub struct Job {
    /// The claim.
    pub ticket: JobTicket,
    /// Jobs of one lane run one after the other.
    pub lane: Option<String>,
    /// The change it belongs to, if it does.
    pub change_id: Option<String>,
    /// The event that asked for it.
    pub event_n: Option<i32>,
    /// Key of the command that the event came from; none for jobs of no change.
    pub cause: Option<String>,
    /// Which handler.
    pub kind: String,
    /// JSON for the handler.
    pub payload: String,
    /// Which try this is, from 1.
    pub attempts: i32,
    /// How often it is tried.
    pub max_attempts: i32,
}

impl Job {
    /// The key of the command that carries its result: the same claim answers once.
    #[must_use]
    pub fn key(&self) -> String {
        format!("job:{}:{}", self.ticket.id, self.ticket.token)
    }
}

/// Which jobs a runner can do; the default wants nothing.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Kinds that have a handler.
    pub kinds: Vec<String>,
    /// Lowest and highest version of the rules carried: jobs of changes outside of it are left to others.
    pub definitions: (u32, u32),
}

/// A job that was given up.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    /// The change it belongs to, if it does.
    pub change_id: Option<String>,
    /// Its handler.
    pub kind: String,
    /// The claim under which it died.
    pub token: i64,
}

/// Gives a claim's job back, to be tried again at `due_at`; false if the claim is void.
///
/// # Errors
/// As [`super::claims::claim`].
pub async fn retry(db: &Db, ticket: &JobTicket, due_at: i64, why: &str) -> Result<bool, StoreError> {
    let text = "UPDATE job SET due_at = $3, leased_until = NULL, last_error = $4
                WHERE seq = $1 AND token = $2 AND coalesce(done_at, 0) = 0 RETURNING id";
    let values = vec![ticket.seq.into(), ticket.token.into(), due_at.into(), why.into()];
    changed(db, text, values).await
}

/// Gives a claim's job back without counting the try: it waits for something that is not there yet.
///
/// # Errors
/// As [`super::claims::claim`].
pub async fn wait(db: &Db, ticket: &JobTicket, due_at: i64, why: &str) -> Result<bool, StoreError> {
    let text = "UPDATE job SET due_at = $3, leased_until = NULL, last_error = $4, attempts = attempts - 1
                WHERE seq = $1 AND token = $2 AND coalesce(done_at, 0) = 0 RETURNING id";
    let values = vec![ticket.seq.into(), ticket.token.into(), due_at.into(), why.into()];
    changed(db, text, values).await
}

/// Gives a claim's job up; false if the claim is void.
///
/// # Errors
/// As [`super::claims::claim`].
pub async fn bury(db: &Db, ticket: &JobTicket, now: i64, why: &str) -> Result<bool, StoreError> {
    let text = "UPDATE job SET done_at = $3, outcome = 'dead', last_error = $4
                WHERE seq = $1 AND token = $2 AND coalesce(done_at, 0) = 0 RETURNING id";
    let values = vec![ticket.seq.into(), ticket.token.into(), now.into(), why.into()];
    changed(db, text, values).await
}

/// The job of that id, if it was given up.
///
/// # Errors
/// As [`super::claims::claim`].
pub async fn dead_letter(db: &Db, id: &JobId) -> Result<Option<DeadLetter>, StoreError> {
    let text = Text::same("SELECT change_id, kind, token FROM job WHERE id = $1 AND outcome = 'dead'");
    let rows = db.look(text, vec![id.as_str().into()]).await?;
    let read = |row: &QueryResult| {
        Ok(DeadLetter {
            change_id: row.try_get("", "change_id")?,
            kind: row.try_get("", "kind")?,
            token: row.try_get("", "token")?,
        })
    };
    rows.first().map(read).transpose()
}

/// Brings a dead letter back on behalf of `by`; false if it is not one.
///
/// # Errors
/// As [`super::claims::claim`].
pub async fn requeue(db: &Db, id: &JobId, by: &str, now: i64) -> Result<bool, StoreError> {
    let text = "UPDATE job SET done_at = NULL, outcome = NULL, attempts = 0, due_at = $2, leased_until = NULL, sent_again_by = $3
                WHERE id = $1 AND outcome = 'dead' RETURNING id";
    changed(db, text, vec![id.as_str().into(), now.into(), by.into()]).await
}

/// Asks for a chore that belongs to no change; the same `dedup` is asked for once.
///
/// # Errors
/// As [`super::claims::claim`].
pub async fn enqueue(db: &Db, job: JobRow, now: i64) -> Result<bool, StoreError> {
    changed(db, ENQUEUE, enqueued(job, now)).await
}

/// As [`enqueue`], by whoever holds the work of `fence`.
///
/// # Errors
/// [`StoreError::Contended`] when somebody else holds it by now: nothing is asked for.
pub async fn enqueue_fenced(db: &Db, job: JobRow, now: i64, fence: Fence) -> Result<bool, StoreError> {
    db.write(move |tx| {
        Box::pin(async move {
            singleton::must_hold(tx, fence).await?;
            enqueue_in(tx, job, now).await
        })
    })
    .await
}

/// As [`enqueue`], as a part of somebody's transaction.
pub(super) async fn enqueue_in(tx: &impl ConnectionTrait, job: JobRow, now: i64) -> Result<bool, StoreError> {
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), ENQUEUE, enqueued(job, now));
    Ok(tx.query_one_raw(statement).await?.is_some())
}

const ENQUEUE: &str = "INSERT INTO job (id, kind, lane, dedup, payload, due_at, max_attempts, created_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (dedup) WHERE dedup IS NOT NULL DO NOTHING RETURNING id";

fn enqueued(job: JobRow, now: i64) -> Vec<Value> {
    vec![
        job.id.as_str().into(),
        job.kind.into(),
        job.lane.into(),
        job.dedup.into(),
        job.payload.into(),
        job.due_at.into(),
        job.max_attempts.into(),
        now.into(),
    ]
}

/// Whether the statement found its row.
async fn changed(db: &Db, text: &'static str, values: Vec<Value>) -> Result<bool, StoreError> {
    Ok(!db.single(Text::same(text), values).await?.is_empty())
}

//! The one queue: claim, heartbeat, complete, fail, dead letters, requeue.
//!
//! Nothing owns a job beyond its `due_at`: a claim moves it a lease into the future and takes a new token, so a dead
//! replica needs no detection, and whoever wakes late finds its token void. Attempts count at the claim, so a job that
//! kills its process is given up, too.

use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement, Value};

use super::{
    commit::{JobRow, JobTicket},
    db::{Backend, Db},
    error::StoreError,
};
use crate::values::JobId;

/// A claimed job.
#[derive(Clone, Debug)]
pub struct Job {
    /// The claim.
    pub ticket: JobTicket,
    /// The change it belongs to, if it does.
    pub change_id: Option<String>,
    /// The event that asked for it.
    pub event_n: Option<i32>,
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

/// Which jobs a runner can do.
#[derive(Clone, Debug)]
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

/// Takes at most `limit` due jobs that are `wanted`; each is this caller's for `lease_ms` unless its heartbeat moves it on.
///
/// # Errors
/// When the database does not answer.
pub async fn claim(
    db: &Db,
    wanted: &Wanted,
    limit: u32,
    now: i64,
    lease_ms: i64,
) -> Result<Vec<Job>, StoreError> {
    let (lowest, highest) = wanted.definitions;
    let list = wanted
        .kinds
        .iter()
        .map(|kind| format!("'{kind}'"))
        .collect::<Vec<_>>()
        .join(",");
    let skip = if db.backend() == Backend::Postgres {
        "FOR UPDATE SKIP LOCKED"
    } else {
        ""
    };
    let sql = format!(
        "UPDATE job SET due_at = $1 + $2, token = token + 1, attempts = attempts + 1, heartbeat_at = $1 WHERE seq IN (
           SELECT seq FROM job AS due WHERE done_at IS NULL AND due_at <= $1 AND kind IN ({list})
             AND (lane IS NULL OR NOT EXISTS (SELECT 1 FROM job AS earlier WHERE earlier.lane = due.lane
               AND earlier.done_at IS NULL AND earlier.seq < due.seq))
             AND NOT EXISTS (SELECT 1 FROM change WHERE change.id = due.change_id
               AND change.definition_version NOT BETWEEN {lowest} AND {highest})
           ORDER BY due_at, seq LIMIT {limit} {skip})
         RETURNING id, token, change_id, event_n, kind, payload, attempts, max_attempts"
    );
    let rows = all(db, sql, vec![now.into(), lease_ms.into()]).await?;
    rows.iter().map(job).collect()
}

/// Moves the lease of every held claim on; answers those that are void, whose work must stop.
///
/// # Errors
/// As [`claim`].
pub async fn heartbeat(
    db: &Db,
    held: &[JobTicket],
    until: i64,
    now: i64,
) -> Result<Vec<JobTicket>, StoreError> {
    if held.is_empty() {
        return Ok(Vec::new());
    }
    let pairs = held
        .iter()
        .map(|ticket| format!("('{}',{})", ticket.id, ticket.token))
        .collect::<Vec<_>>()
        .join(",");
    let sql = format!(
        "UPDATE job SET due_at = $1, heartbeat_at = $2 WHERE done_at IS NULL AND (id, token) IN (VALUES {pairs})
         RETURNING id, token"
    );
    let alive: Vec<JobTicket> = all(db, sql, vec![until.into(), now.into()])
        .await?
        .iter()
        .map(ticket)
        .collect::<Result<_, _>>()?;
    Ok(held
        .iter()
        .filter(|ticket| !alive.contains(ticket))
        .cloned()
        .collect())
}

/// Marks a claim's job as done; false if the claim is void.
///
/// # Errors
/// As [`claim`].
pub async fn complete(db: &Db, ticket: &JobTicket, now: i64) -> Result<bool, StoreError> {
    let sql = "UPDATE job SET done_at = $3, outcome = 'done', last_error = NULL
               WHERE id = $1 AND token = $2 AND done_at IS NULL";
    Ok(run(
        db,
        sql,
        vec![ticket.id.as_str().into(), ticket.token.into(), now.into()],
    )
    .await?
        == 1)
}

/// Gives a claim's job back, to be tried again at `due_at`; false if the claim is void.
///
/// # Errors
/// As [`claim`].
pub async fn retry(db: &Db, ticket: &JobTicket, due_at: i64, why: &str) -> Result<bool, StoreError> {
    let sql = "UPDATE job SET due_at = $3, last_error = $4 WHERE id = $1 AND token = $2 AND done_at IS NULL";
    let values = vec![
        ticket.id.as_str().into(),
        ticket.token.into(),
        due_at.into(),
        why.into(),
    ];
    Ok(run(db, sql, values).await? == 1)
}

/// Gives a claim's job back without counting the try: it waits for something that is not there yet.
///
/// # Errors
/// As [`claim`].
pub async fn wait(db: &Db, ticket: &JobTicket, due_at: i64, why: &str) -> Result<bool, StoreError> {
    let sql = "UPDATE job SET due_at = $3, last_error = $4, attempts = attempts - 1
               WHERE id = $1 AND token = $2 AND done_at IS NULL";
    let values = vec![
        ticket.id.as_str().into(),
        ticket.token.into(),
        due_at.into(),
        why.into(),
    ];
    Ok(run(db, sql, values).await? == 1)
}

/// Gives a claim's job up; false if the claim is void.
///
/// # Errors
/// As [`claim`].
pub async fn bury(db: &Db, ticket: &JobTicket, now: i64, why: &str) -> Result<bool, StoreError> {
    let sql = "UPDATE job SET done_at = $3, outcome = 'dead', last_error = $4
               WHERE id = $1 AND token = $2 AND done_at IS NULL";
    let values = vec![
        ticket.id.as_str().into(),
        ticket.token.into(),
        now.into(),
        why.into(),
    ];
    Ok(run(db, sql, values).await? == 1)
}

/// Gives claims back at once, without counting their tries: their process ends. What still comes of them is void.
///
/// # Errors
/// As [`claim`].
pub async fn release(db: &Db, held: &[JobTicket], now: i64) -> Result<(), StoreError> {
    let sql = "UPDATE job SET due_at = $3, attempts = attempts - 1, token = token + 1
               WHERE id = $1 AND token = $2 AND done_at IS NULL";
    for ticket in held {
        let values = vec![ticket.id.as_str().into(), ticket.token.into(), now.into()];
        run(db, sql, values).await?;
    }
    Ok(())
}

/// The job of that id, if it was given up.
///
/// # Errors
/// As [`claim`].
pub async fn dead_letter(db: &Db, id: &JobId) -> Result<Option<DeadLetter>, StoreError> {
    let sql = "SELECT change_id, kind, token FROM job WHERE id = $1 AND outcome = 'dead'";
    let statement = Statement::from_sql_and_values(backend(db), sql, [id.as_str().into()]);
    let row = db.reads().query_one_raw(statement).await?;
    row.map(|row| {
        Ok(DeadLetter {
            change_id: row.try_get("", "change_id")?,
            kind: row.try_get("", "kind")?,
            token: row.try_get("", "token")?,
        })
    })
    .transpose()
}

/// Brings a dead letter back on behalf of `by`; false if it is not one.
///
/// # Errors
/// As [`claim`].
pub async fn requeue(db: &Db, id: &JobId, by: &str, now: i64) -> Result<bool, StoreError> {
    let sql = "UPDATE job SET done_at = NULL, outcome = NULL, attempts = 0, due_at = $2, sent_again_by = $3
               WHERE id = $1 AND outcome = 'dead'";
    Ok(run(db, sql, vec![id.as_str().into(), now.into(), by.into()]).await? == 1)
}

/// Asks for a chore that belongs to no change; the same `dedup` is asked for once.
///
/// # Errors
/// As [`claim`].
pub async fn enqueue(db: &Db, job: JobRow, now: i64) -> Result<bool, StoreError> {
    Ok(run(db, ENQUEUE, enqueued(job, now)).await? == 1)
}

/// As [`enqueue`], as a part of somebody's transaction.
pub(super) async fn enqueue_in(tx: &impl ConnectionTrait, job: JobRow, now: i64) -> Result<bool, StoreError> {
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), ENQUEUE, enqueued(job, now));
    Ok(tx.execute_raw(statement).await?.rows_affected() == 1)
}

const ENQUEUE: &str = "INSERT INTO job (id, kind, lane, dedup, payload, due_at, max_attempts, created_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (dedup) DO NOTHING";

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

/// When the next job of `kinds` is due, if any waits.
///
/// # Errors
/// As [`claim`].
pub async fn next_due(db: &Db, kinds: &[String]) -> Result<Option<i64>, StoreError> {
    let list = kinds
        .iter()
        .map(|kind| format!("'{kind}'"))
        .collect::<Vec<_>>()
        .join(",");
    let sql = format!("SELECT min(due_at) AS due FROM job WHERE done_at IS NULL AND kind IN ({list})");
    let row = db
        .reads()
        .query_one_raw(Statement::from_string(backend(db), sql))
        .await?;
    Ok(row
        .map(|row| row.try_get::<Option<i64>>("", "due"))
        .transpose()?
        .flatten())
}

fn backend(db: &Db) -> DbBackend {
    match db.backend() {
        Backend::Sqlite => DbBackend::Sqlite,
        Backend::Postgres => DbBackend::Postgres,
    }
}

/// A statement of its own: autocommitted on PostgreSQL, one unit of the writer on SQLite.
async fn all(db: &Db, sql: String, values: Vec<Value>) -> Result<Vec<QueryResult>, StoreError> {
    let statement = Statement::from_sql_and_values(backend(db), sql, values);
    match db.backend() {
        Backend::Postgres => {
            let connection = db.reads().clone();
            tokio::spawn(async move { Ok(connection.query_all_raw(statement).await?) })
                .await
                .map_err(|_| StoreError::Unavailable("the statement's task ended early".to_owned()))?
        }
        Backend::Sqlite => {
            db.write(move |tx| Box::pin(async move { Ok(tx.query_all_raw(statement).await?) }))
                .await
        }
    }
}

async fn run(db: &Db, sql: &'static str, values: Vec<Value>) -> Result<u64, StoreError> {
    let statement = Statement::from_sql_and_values(backend(db), sql, values);
    match db.backend() {
        Backend::Postgres => {
            let connection = db.reads().clone();
            tokio::spawn(async move { Ok(connection.execute_raw(statement).await?.rows_affected()) })
                .await
                .map_err(|_| StoreError::Unavailable("the statement's task ended early".to_owned()))?
        }
        Backend::Sqlite => {
            db.write(move |tx| Box::pin(async move { Ok(tx.execute_raw(statement).await?.rows_affected()) }))
                .await
        }
    }
}

fn ticket(row: &QueryResult) -> Result<JobTicket, StoreError> {
    Ok(JobTicket {
        id: JobId(row.try_get("", "id")?),
        token: row.try_get("", "token")?,
    })
}

fn job(row: &QueryResult) -> Result<Job, StoreError> {
    Ok(Job {
        ticket: ticket(row)?,
        change_id: row.try_get("", "change_id")?,
        event_n: row.try_get("", "event_n")?,
        kind: row.try_get("", "kind")?,
        payload: row.try_get("", "payload")?,
        attempts: row.try_get("", "attempts")?,
        max_attempts: row.try_get("", "max_attempts")?,
    })
}

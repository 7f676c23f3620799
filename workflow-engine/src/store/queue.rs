//! The one queue: claim, heartbeat, complete, fail, dead letters, requeue.
//!
//! Nothing owns a job beyond its `leased_until`: a claim sets it a lease ahead and takes a new token, so a dead replica
//! needs no detection, and whoever wakes late finds its token void. On PostgreSQL that is a time of the database, which
//! every replica reads alike; on SQLite there is one process, and it is its own. When a job is due is the engine's time,
//! as deadlines are. Attempts count at the claim, so a job that kills its process is given up, too.

use sea_orm::{ConnectionTrait, QueryResult, Statement, Value};

use super::{
    commit::{JobRow, JobTicket},
    db::{Backend, Db},
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

/// `$1` now, `$2` lease, `$3` kinds, `$4` most, `$5` and `$6` the rules carried. The due ones are found once, in the order
/// of `job_due`; a job of a lane waits for the earlier ones of the lane, which one look into `job_lane` tells. The array
/// keeps PostgreSQL from looking for them anew for each row that it updates, and the look at the change, as one value,
/// keeps it from reading all changes (which a NOT EXISTS made it do). A claim touches no indexed column.
const CLAIM: Text = Text {
    postgres: "
UPDATE job SET leased_until = (extract(epoch FROM now()) * 1000)::bigint + $2, token = token + 1, attempts = attempts + 1
WHERE seq = ANY (ARRAY(
  SELECT seq FROM job AS due WHERE done_at IS NULL AND due_at <= $1
    AND (leased_until IS NULL OR leased_until <= (extract(epoch FROM now()) * 1000)::bigint)
    AND kind = ANY (ARRAY(SELECT json_array_elements_text($3::json)))
    AND (lane IS NULL OR NOT EXISTS (SELECT 1 FROM job AS earlier
      WHERE earlier.lane = due.lane AND earlier.done_at IS NULL AND earlier.seq < due.seq))
    AND coalesce((SELECT definition_version FROM change WHERE change.id = due.change_id), $5) BETWEEN $5 AND $6
  ORDER BY due_at, seq LIMIT $4 FOR UPDATE SKIP LOCKED))
RETURNING seq, id, token, change_id, event_n, kind, payload, attempts, max_attempts,
  (SELECT command_key FROM event WHERE event.change_id = job.change_id AND event.n = job.event_n) AS cause",
    sqlite: "
UPDATE job SET leased_until = $1 + $2, token = token + 1, attempts = attempts + 1
WHERE seq IN (
  SELECT seq FROM job AS due WHERE done_at IS NULL AND due_at <= $1
    AND (leased_until IS NULL OR leased_until <= $1)
    AND kind IN (SELECT value FROM json_each($3))
    AND (lane IS NULL OR NOT EXISTS (SELECT 1 FROM job AS earlier
      WHERE earlier.lane = due.lane AND earlier.done_at IS NULL AND earlier.seq < due.seq))
    AND coalesce((SELECT definition_version FROM change WHERE change.id = due.change_id), $5) BETWEEN $5 AND $6
  ORDER BY due_at, seq LIMIT $4)
RETURNING seq, id, token, change_id, event_n, kind, payload, attempts, max_attempts,
  (SELECT command_key FROM event WHERE event.change_id = job.change_id AND event.n = job.event_n) AS cause",
};

/// Takes at most `limit` jobs that are `wanted`, due at `now` and nobody's; each is this caller's for `lease_ms` unless its
/// heartbeat moves it on.
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
    let values = vec![
        now.into(),
        lease_ms.into(),
        serde_json::to_string(&wanted.kinds)?.into(),
        i64::from(limit).into(),
        i64::from(lowest).into(),
        i64::from(highest).into(),
    ];
    db.single(CLAIM, values).await?.iter().map(job).collect()
}

/// `$1` now, `$2` lease, `$3` the claims. Here as below, the array makes PostgreSQL look each job up by its row, however
/// small the table was when it made its plan.
const HEARTBEAT: Text = Text {
    postgres: "
UPDATE job SET leased_until = (extract(epoch FROM now()) * 1000)::bigint + $2
WHERE seq = ANY (ARRAY(SELECT (claim->>0)::bigint FROM json_array_elements($3::json) AS claim))
  AND (seq, token) IN (SELECT (claim->>0)::bigint, (claim->>1)::bigint FROM json_array_elements($3::json) AS claim)
  AND done_at IS NULL
RETURNING seq, id, token",
    sqlite: "
UPDATE job SET leased_until = $1 + $2
FROM (SELECT value->>0 AS seq, value->>1 AS token FROM json_each($3)) AS held
WHERE job.seq = held.seq AND job.token = held.token AND done_at IS NULL
RETURNING seq, id, token",
};

/// Moves the lease of every held claim on; answers those that are void, whose work must stop.
///
/// It locks many rows, as [`complete`] does: one caller must not run both at once, or they may wait for each other.
///
/// # Errors
/// As [`claim`].
pub async fn heartbeat(
    db: &Db,
    held: &[JobTicket],
    now: i64,
    lease_ms: i64,
) -> Result<Vec<JobTicket>, StoreError> {
    if held.is_empty() {
        return Ok(Vec::new());
    }
    let values = vec![now.into(), lease_ms.into(), list(held)?.into()];
    let alive = tickets(&db.single(HEARTBEAT, values).await?)?;
    Ok(held
        .iter()
        .filter(|ticket| !alive.contains(ticket))
        .cloned()
        .collect())
}

/// The condition that nobody has an open job, for statements whose `$1` is now.
pub(super) const fn free(backend: Backend) -> &'static str {
    match backend {
        Backend::Postgres => {
            "(leased_until IS NULL OR leased_until <= (extract(epoch FROM now()) * 1000)::bigint)"
        }
        Backend::Sqlite => "(leased_until IS NULL OR leased_until <= $1)",
    }
}

/// Whether a claim still holds: nobody has taken the job over, ended or released it.
///
/// # Errors
/// As [`claim`].
pub async fn holds(db: &Db, ticket: &JobTicket) -> Result<bool, StoreError> {
    let sql = Text::same("SELECT 1 AS holds FROM job WHERE seq = $1 AND token = $2 AND done_at IS NULL");
    let rows = db.look(sql, vec![ticket.seq.into(), ticket.token.into()]).await?;
    Ok(!rows.is_empty())
}

/// `$1` now, `$2` the claims.
const COMPLETE: Text = Text {
    postgres: "
UPDATE job SET done_at = $1, outcome = 'done', last_error = NULL
WHERE seq = ANY (ARRAY(SELECT (claim->>0)::bigint FROM json_array_elements($2::json) AS claim))
  AND (seq, token) IN (SELECT (claim->>0)::bigint, (claim->>1)::bigint FROM json_array_elements($2::json) AS claim)
  AND done_at IS NULL
RETURNING seq, id, token",
    sqlite: "
UPDATE job SET done_at = $1, outcome = 'done', last_error = NULL
FROM (SELECT value->>0 AS seq, value->>1 AS token FROM json_each($2)) AS held
WHERE job.seq = held.seq AND job.token = held.token AND done_at IS NULL
RETURNING seq, id, token",
};

/// Marks the jobs of these claims as done, in one commit; answers the claims that held. The others are void: somebody
/// else has the job, or it has ended.
///
/// # Errors
/// As [`claim`].
pub async fn complete(db: &Db, claims: &[JobTicket], now: i64) -> Result<Vec<JobTicket>, StoreError> {
    let values = vec![now.into(), list(claims)?.into()];
    tickets(&db.single(COMPLETE, values).await?)
}

/// Gives a claim's job back, to be tried again at `due_at`; false if the claim is void.
///
/// # Errors
/// As [`claim`].
pub async fn retry(db: &Db, ticket: &JobTicket, due_at: i64, why: &str) -> Result<bool, StoreError> {
    let text = "UPDATE job SET due_at = $3, leased_until = NULL, last_error = $4
                WHERE seq = $1 AND token = $2 AND done_at IS NULL RETURNING id";
    let values = vec![ticket.seq.into(), ticket.token.into(), due_at.into(), why.into()];
    changed(db, text, values).await
}

/// Gives a claim's job back without counting the try: it waits for something that is not there yet.
///
/// # Errors
/// As [`claim`].
pub async fn wait(db: &Db, ticket: &JobTicket, due_at: i64, why: &str) -> Result<bool, StoreError> {
    let text = "UPDATE job SET due_at = $3, leased_until = NULL, last_error = $4, attempts = attempts - 1
                WHERE seq = $1 AND token = $2 AND done_at IS NULL RETURNING id";
    let values = vec![ticket.seq.into(), ticket.token.into(), due_at.into(), why.into()];
    changed(db, text, values).await
}

/// Gives a claim's job up; false if the claim is void.
///
/// # Errors
/// As [`claim`].
pub async fn bury(db: &Db, ticket: &JobTicket, now: i64, why: &str) -> Result<bool, StoreError> {
    let text = "UPDATE job SET done_at = $3, outcome = 'dead', last_error = $4
                WHERE seq = $1 AND token = $2 AND done_at IS NULL RETURNING id";
    let values = vec![ticket.seq.into(), ticket.token.into(), now.into(), why.into()];
    changed(db, text, values).await
}

/// `$1` the claims.
const RELEASE: Text = Text {
    postgres: "
UPDATE job SET leased_until = NULL, attempts = attempts - 1, token = job.token + 1
WHERE seq = ANY (ARRAY(SELECT (claim->>0)::bigint FROM json_array_elements($1::json) AS claim))
  AND (seq, token) IN (SELECT (claim->>0)::bigint, (claim->>1)::bigint FROM json_array_elements($1::json) AS claim)
  AND done_at IS NULL
RETURNING seq, id, token",
    sqlite: "
UPDATE job SET leased_until = NULL, attempts = attempts - 1, token = job.token + 1
FROM (SELECT value->>0 AS seq, value->>1 AS token FROM json_each($1)) AS held
WHERE job.seq = held.seq AND job.token = held.token AND done_at IS NULL
RETURNING seq, id, token",
};

/// Gives claims back at once, without counting their tries: their process ends. What still comes of them is void.
///
/// # Errors
/// As [`claim`].
pub async fn release(db: &Db, held: &[JobTicket]) -> Result<(), StoreError> {
    db.single(RELEASE, vec![list(held)?.into()]).await.map(drop)
}

/// The job of that id, if it was given up.
///
/// # Errors
/// As [`claim`].
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
/// As [`claim`].
pub async fn requeue(db: &Db, id: &JobId, by: &str, now: i64) -> Result<bool, StoreError> {
    let text = "UPDATE job SET done_at = NULL, outcome = NULL, attempts = 0, due_at = $2, leased_until = NULL, sent_again_by = $3
                WHERE id = $1 AND outcome = 'dead' RETURNING id";
    changed(db, text, vec![id.as_str().into(), now.into(), by.into()]).await
}

/// Asks for a chore that belongs to no change; the same `dedup` is asked for once.
///
/// # Errors
/// As [`claim`].
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

/// Claims as the one JSON text that a statement takes: `[[seq, token], …]`.
fn list(claims: &[JobTicket]) -> Result<String, StoreError> {
    let pairs: Vec<_> = claims.iter().map(|claim| (claim.seq, claim.token)).collect();
    Ok(serde_json::to_string(&pairs)?)
}

fn tickets(rows: &[QueryResult]) -> Result<Vec<JobTicket>, StoreError> {
    rows.iter().map(ticket).collect()
}

fn ticket(row: &QueryResult) -> Result<JobTicket, StoreError> {
    Ok(JobTicket {
        seq: row.try_get("", "seq")?,
        id: JobId(row.try_get("", "id")?),
        token: row.try_get("", "token")?,
    })
}

fn job(row: &QueryResult) -> Result<Job, StoreError> {
    Ok(Job {
        ticket: ticket(row)?,
        change_id: row.try_get("", "change_id")?,
        event_n: row.try_get("", "event_n")?,
        cause: row.try_get("", "cause")?,
        kind: row.try_get("", "kind")?,
        payload: row.try_get("", "payload")?,
        attempts: row.try_get("", "attempts")?,
        max_attempts: row.try_get("", "max_attempts")?,
    })
}

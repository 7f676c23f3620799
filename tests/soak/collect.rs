//! Reads the facts of a run out of its database.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, QueryResult, Statement, TryGetable};
use workflow_engine::store::db::{Backend, Db};

use super::facts::{ChangeFact, EventFact, Facts, JobFact, Leaf, VoteFact};

/// What the database holds. The caller adds what was sent and what the receivers got.
///
/// # Errors
/// When it does not answer, or a row is not as the checker expects it.
pub async fn collect(db: &Db) -> anyhow::Result<Facts> {
    Ok(Facts {
        events: rows(db, "SELECT seq, change_id, n, kind, command_key, body, prev_hash, hash FROM event ORDER BY seq", event).await?,
        commands: rows(db, "SELECT key, change_id FROM command", |row| Ok((get(row, "key")?, get(row, "change_id")?))).await?,
        changes: rows(db, "SELECT id, number, workflow, state, version, event_n, head_hash FROM change ORDER BY number", change).await?,
        jobs: rows(
            db,
            "SELECT id, change_id, event_n, kind, due_at, token, leased_until, done_at, outcome, last_error FROM job ORDER BY seq",
            job,
        )
        .await?,
        votes: rows(db, "SELECT change_id, revision, slot, seat, approver FROM vote", vote).await?,
        live: live(db).await?,
        leaves: rows(db, "SELECT event_seq, leaf FROM ledger ORDER BY pos", |row| {
            Ok(Leaf { seq: get(row, "event_seq")?, digest: get(row, "leaf")? })
        })
        .await?,
        head: rows(db, "SELECT size, root FROM checkpoint WHERE signature IS NOT NULL ORDER BY size DESC LIMIT 1", |row| {
            Ok((usize::try_from(get::<i64>(row, "size")?)?, get(row, "root")?))
        })
        .await?
        .pop(),
        unsealed: count(db, "SELECT count(*) AS n FROM ledger_pending").await?,
        untaken: count(db, "SELECT count(*) AS n FROM inbox WHERE handled_at IS NULL").await?,
        ..Facts::default()
    })
}

/// How many jobs are due at `now`, events unsealed and deliveries untaken: nothing is left once all are 0.
///
/// # Errors
/// When the database does not answer.
pub async fn left(db: &Db, now: i64) -> anyhow::Result<(usize, usize, usize)> {
    Ok((
        count(
            db,
            &format!("SELECT count(*) AS n FROM job WHERE done_at IS NULL AND due_at <= {now}"),
        )
        .await?,
        count(db, "SELECT count(*) AS n FROM ledger_pending").await?,
        count(db, "SELECT count(*) AS n FROM inbox WHERE handled_at IS NULL").await?,
    ))
}

/// Runs one statement and answers how its rows read.
pub(super) async fn rows<T>(
    db: &Db,
    sql: &str,
    read: impl Fn(&QueryResult) -> anyhow::Result<T>,
) -> anyhow::Result<Vec<T>> {
    let backend = match db.backend() {
        Backend::Sqlite => sea_orm::DbBackend::Sqlite,
        Backend::Postgres => sea_orm::DbBackend::Postgres,
    };
    let found = db
        .reads()
        .query_all_raw(Statement::from_string(backend, sql))
        .await?;
    found.iter().map(read).collect()
}

/// A count.
pub(super) async fn count(db: &Db, sql: &str) -> anyhow::Result<usize> {
    let counts = rows(db, sql, |row| Ok(usize::try_from(get::<i64>(row, "n")?)?)).await?;
    Ok(counts.first().copied().unwrap_or(0))
}

pub(super) fn get<T: TryGetable>(row: &QueryResult, name: &str) -> anyhow::Result<T> {
    Ok(row.try_get("", name)?)
}

fn event(row: &QueryResult) -> anyhow::Result<EventFact> {
    Ok(EventFact {
        seq: get(row, "seq")?,
        change: get(row, "change_id")?,
        n: u32::try_from(get::<i32>(row, "n")?)?,
        kind: get(row, "kind")?,
        key: get(row, "command_key")?,
        body: get(row, "body")?,
        prev: get(row, "prev_hash")?,
        hash: get(row, "hash")?,
    })
}

fn change(row: &QueryResult) -> anyhow::Result<ChangeFact> {
    Ok(ChangeFact {
        id: get(row, "id")?,
        number: u64::try_from(get::<i64>(row, "number")?)?,
        workflow: get(row, "workflow")?,
        state: get(row, "state")?,
        version: get(row, "version")?,
        event_n: u32::try_from(get::<i32>(row, "event_n")?)?,
        head: get(row, "head_hash")?,
    })
}

fn job(row: &QueryResult) -> anyhow::Result<JobFact> {
    Ok(JobFact {
        id: get(row, "id")?,
        change: get(row, "change_id")?,
        event_n: get::<Option<i32>>(row, "event_n")?.and_then(|n| u32::try_from(n).ok()),
        kind: get(row, "kind")?,
        due_at: get(row, "due_at")?,
        token: get(row, "token")?,
        claimed: get::<Option<i64>>(row, "leased_until")?.is_some(),
        done: get::<Option<i64>>(row, "done_at")?.is_some(),
        outcome: get(row, "outcome")?,
        error: get(row, "last_error")?,
    })
}

fn vote(row: &QueryResult) -> anyhow::Result<VoteFact> {
    Ok(VoteFact {
        change: get(row, "change_id")?,
        revision: get(row, "revision")?,
        slot: get(row, "slot")?,
        seat: get(row, "seat")?,
        approver: get(row, "approver")?,
    })
}

async fn live(db: &Db) -> anyhow::Result<BTreeMap<String, u64>> {
    let found = rows(db, "SELECT workflow, generation FROM live_route", |row| {
        Ok((
            get(row, "workflow")?,
            u64::try_from(get::<i64>(row, "generation")?)?,
        ))
    });
    Ok(found.await?.into_iter().collect())
}

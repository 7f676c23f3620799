//! Rows as lists and pages need them: changes by filter, jobs by fate, events with their place in the ledger.

use std::collections::HashMap;

use entities::{change, decision, event, job, ledger, shadow_run};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};

use super::{
    changes::{StoredEvent, digest},
    db::Db,
    error::StoreError,
};
use crate::{
    change::state::{Change, State},
    values::Digest,
};

/// Which changes a list shows.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of one workflow.
    pub workflow: Option<String>,
    /// In one of these states; empty means any.
    pub states: Vec<State>,
    /// Filed by one person.
    pub requester: Option<String>,
    /// Below this number.
    pub before: Option<u64>,
}

/// Changes that pass `filter`, newest first, at most `limit`.
///
/// # Errors
/// When the database does not answer, or a row cannot be read.
pub async fn changes(db: &Db, filter: &Filter, limit: u64) -> Result<Vec<Change>, StoreError> {
    let mut query = change::Entity::find()
        .order_by_desc(change::Column::Number)
        .limit(limit);
    if let Some(workflow) = &filter.workflow {
        query = query.filter(change::Column::Workflow.eq(workflow));
    }
    if !filter.states.is_empty() {
        query = query.filter(change::Column::State.is_in(filter.states.iter().map(|state| state.as_str())));
    }
    if let Some(requester) = &filter.requester {
        query = query.filter(change::Column::Requester.eq(requester));
    }
    if let Some(before) = filter.before {
        query = query.filter(change::Column::Number.lt(i64::try_from(before).unwrap_or(i64::MAX)));
    }
    let rows = query.all(db.reads()).await?;
    rows.into_iter()
        .map(|row| Ok(serde_json::from_str(&row.body)?))
        .collect()
}

/// Numbers of changes by id.
///
/// # Errors
/// As [`changes`].
pub async fn numbers(db: &Db, ids: Vec<String>) -> Result<HashMap<String, u64>, StoreError> {
    let rows: Vec<(String, i64)> = change::Entity::find()
        .select_only()
        .columns([change::Column::Id, change::Column::Number])
        .filter(change::Column::Id.is_in(ids))
        .into_tuple()
        .all(db.reads())
        .await?;
    Ok(rows
        .into_iter()
        .map(|(id, number)| (id, u64::try_from(number).unwrap_or_default()))
        .collect())
}

/// What became of jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Given up; a person must look.
    Dead,
    /// Waiting or running.
    Open,
    /// The same, the next due first; not in pages, because what is due moves.
    Next,
}

/// A job as a list shows it.
#[derive(Clone, Debug)]
pub struct JobLine {
    /// Its id.
    pub id: String,
    /// Its place in the order of making; the cursor.
    pub seq: i64,
    /// The change it belongs to.
    pub change_id: Option<String>,
    /// What it does.
    pub kind: String,
    /// When it is due, or was given up; milliseconds UTC.
    pub at: i64,
    /// How often it was tried.
    pub attempts: i32,
    /// How often it may be.
    pub max_attempts: i32,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// Who sent it again after it was given up, as an actor.
    pub sent_again_by: Option<String>,
}

/// Jobs of one fate below `before`, the newest first unless the fate says otherwise.
///
/// # Errors
/// As [`changes`].
pub async fn jobs(db: &Db, fate: Fate, before: Option<i64>, limit: u64) -> Result<Vec<JobLine>, StoreError> {
    let mut query = job::Entity::find().limit(limit);
    if let Some(before) = before {
        query = query.filter(job::Column::Seq.lt(before));
    }
    let open = job::Column::DoneAt.is_null();
    query = match fate {
        Fate::Dead => query.filter(job::Column::Outcome.eq("dead")),
        Fate::Open => query.filter(open),
        Fate::Next => query.filter(open).order_by_asc(job::Column::DueAt),
    };
    query = query.order_by_desc(job::Column::Seq);
    let rows = query.all(db.reads()).await?;
    Ok(rows
        .into_iter()
        .map(|row| JobLine {
            at: row.done_at.unwrap_or(row.due_at),
            id: row.id,
            seq: row.seq,
            change_id: row.change_id,
            kind: row.kind,
            attempts: row.attempts,
            max_attempts: row.max_attempts,
            last_error: row.last_error,
            sent_again_by: row.sent_again_by,
        })
        .collect())
}

/// Events after `seq` (or, with `None`, the newest ones, newest first).
///
/// # Errors
/// As [`changes`].
pub async fn newest_events(db: &Db, before: Option<i64>, limit: u64) -> Result<Vec<StoredEvent>, StoreError> {
    let mut query = event::Entity::find()
        .order_by_desc(event::Column::Seq)
        .limit(limit);
    if let Some(before) = before {
        query = query.filter(event::Column::Seq.lt(before));
    }
    Ok(query
        .all(db.reads())
        .await?
        .into_iter()
        .map(StoredEvent::from)
        .collect())
}

/// The event of that leaf, with the leaf's hash.
///
/// # Errors
/// As [`changes`].
pub async fn leaf(db: &Db, index: u64) -> Result<Option<(StoredEvent, Digest)>, StoreError> {
    let index = i64::try_from(index).unwrap_or(i64::MAX);
    let Some(row) = ledger::Entity::find_by_id(index).one(db.reads()).await? else {
        return Ok(None);
    };
    let stored = event::Entity::find_by_id(row.event_seq).one(db.reads()).await?;
    let hash = digest(row.leaf)?;
    Ok(stored.map(|stored| (StoredEvent::from(stored), hash)))
}

/// Where these events stand in the ledger; one that is not sealed yet is absent.
///
/// # Errors
/// As [`changes`].
pub async fn places(db: &Db, seqs: Vec<i64>) -> Result<HashMap<i64, u64>, StoreError> {
    let rows: Vec<(i64, i64)> = ledger::Entity::find()
        .select_only()
        .columns([ledger::Column::EventSeq, ledger::Column::Pos])
        .filter(ledger::Column::EventSeq.is_in(seqs))
        .into_tuple()
        .all(db.reads())
        .await?;
    Ok(rows
        .into_iter()
        .map(|(seq, pos)| (seq, u64::try_from(pos).unwrap_or_default()))
        .collect())
}

/// The newest policy decision about a change, as JSON, with its phase.
///
/// # Errors
/// As [`changes`].
pub async fn newest_decision(db: &Db, change_id: &str) -> Result<Option<(String, String)>, StoreError> {
    let row = decision::Entity::find()
        .filter(decision::Column::ChangeId.eq(change_id))
        .order_by_desc(decision::Column::At)
        .one(db.reads())
        .await?;
    Ok(row.map(|row| (row.phase, row.body)))
}

/// Tests under way: the change's number, pairs replayed, pairs in all.
///
/// # Errors
/// As [`changes`].
pub async fn running_tests(db: &Db) -> Result<Vec<(u64, i32, i32)>, StoreError> {
    let runs = shadow_run::Entity::find()
        .filter(shadow_run::Column::FinishedAt.is_null())
        .limit(100)
        .all(db.reads())
        .await?;
    let numbers = numbers(db, runs.iter().map(|run| run.change_id.clone()).collect()).await?;
    Ok(runs
        .iter()
        .filter_map(|run| Some((*numbers.get(&run.change_id)?, run.done, run.total)))
        .collect())
}

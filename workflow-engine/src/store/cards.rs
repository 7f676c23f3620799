//! What cards and replies read besides the change: places in the ledger, figures of a run, the policy's decision.

use std::collections::HashMap;

use entities::{decision, event, ledger, shadow_run};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use super::{db::Db, error::StoreError};
use crate::values::Digest;

/// A run's figures, and its report once there is one.
#[derive(Clone, Debug)]
pub struct RunFigures {
    /// Answers stored.
    pub done: u64,
    /// Answers planned.
    pub total: u64,
    /// Spent on them, US dollars as text.
    pub spent_usd: String,
    /// The report as JSON.
    pub report: Option<String>,
}

/// Where the sealed events of a change stand in the ledger, by event number.
///
/// # Errors
/// When the database does not answer.
pub async fn places(db: &Db, change_id: &str) -> Result<HashMap<u32, u64>, StoreError> {
    let events: Vec<(i64, i32)> = event::Entity::find()
        .select_only()
        .columns([event::Column::Seq, event::Column::N])
        .filter(event::Column::ChangeId.eq(change_id))
        .into_tuple()
        .all(db.reads())
        .await?;
    let numbers: HashMap<i64, i32> = events.into_iter().collect();
    let sealed: Vec<(i64, i64)> = ledger::Entity::find()
        .select_only()
        .columns([ledger::Column::EventSeq, ledger::Column::Pos])
        .filter(ledger::Column::EventSeq.is_in(numbers.keys().copied()))
        .into_tuple()
        .all(db.reads())
        .await?;
    let place =
        |(seq, pos): (i64, i64)| Some((u32::try_from(*numbers.get(&seq)?).ok()?, u64::try_from(pos).ok()?));
    Ok(sealed.into_iter().filter_map(place).collect())
}

/// The figures of a run.
///
/// # Errors
/// As [`places`].
pub async fn run(db: &Db, id: &str) -> Result<Option<RunFigures>, StoreError> {
    let row = shadow_run::Entity::find_by_id(id).one(db.reads()).await?;
    Ok(row.map(|row| RunFigures {
        done: u64::try_from(row.done).unwrap_or_default(),
        total: u64::try_from(row.total).unwrap_or_default(),
        spent_usd: row.spent_usd,
        report: row.report,
    }))
}

/// A stored decision of the policy, as JSON.
///
/// # Errors
/// As [`places`].
pub async fn decision(db: &Db, sha256: Digest) -> Result<Option<String>, StoreError> {
    let row = decision::Entity::find_by_id(sha256.0.to_vec())
        .one(db.reads())
        .await?;
    Ok(row.map(|row| row.body))
}

//! Which rows the ledger vouches for: the newest seal over each day of each kind of rows.

use entities::{decision, ledger_batch};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect, sea_query::OnConflict,
};

use super::{super::error::StoreError, read::place};
use crate::values::{Digest, Usd};

/// The newest seal over a stretch of time. Times are milliseconds UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchRow {
    /// Which rows: `calls` or `decisions`.
    pub rows: String,
    /// Beginning of the stretch.
    pub from: i64,
    /// Its end, not included.
    pub until: i64,
    /// 1 and up.
    pub edition: u32,
    /// Number of rows.
    pub count: u64,
    /// Sum of their cost.
    pub cost_usd: Usd,
    /// Root over them.
    pub root: Digest,
    /// Number of its entry within the ledger's own stream.
    pub n: i32,
}

/// The seals over one kind of rows from `since` on, oldest first.
///
/// # Errors
/// When the database does not answer, or a row cannot be read.
pub async fn since(conn: &impl ConnectionTrait, rows: &str, since: i64) -> Result<Vec<BatchRow>, StoreError> {
    let found = ledger_batch::Entity::find()
        .filter(ledger_batch::Column::Rows.eq(rows))
        .filter(ledger_batch::Column::FromAt.gte(since))
        .order_by_asc(ledger_batch::Column::FromAt)
        .all(conn)
        .await?;
    found.into_iter().map(batch).collect()
}

/// The seal over the stretch of time that begins at `from`.
///
/// # Errors
/// As [`since`].
pub async fn at(conn: &impl ConnectionTrait, rows: &str, from: i64) -> Result<Option<BatchRow>, StoreError> {
    let key = (rows.to_owned(), from);
    let found = ledger_batch::Entity::find_by_id(key).one(conn).await?;
    found.map(batch).transpose()
}

/// Keeps a seal; one of an earlier edition is replaced.
///
/// # Errors
/// When the database cannot be written.
pub async fn keep(tx: &DatabaseTransaction, batch: &BatchRow) -> Result<(), StoreError> {
    use ledger_batch::Column::{CostUsd, Count, Edition, FromAt, N, Root, Rows, UntilAt};
    let row = ledger_batch::ActiveModel {
        rows: Set(batch.rows.clone()),
        from_at: Set(batch.from),
        until_at: Set(batch.until),
        edition: Set(i32::try_from(batch.edition).unwrap_or(i32::MAX)),
        count: Set(place(batch.count)?),
        cost_usd: Set(batch.cost_usd.plain()),
        root: Set(batch.root.0.to_vec()),
        n: Set(batch.n),
    };
    let newer = OnConflict::columns([Rows, FromAt])
        .update_columns([UntilAt, Edition, Count, CostUsd, Root, N])
        .to_owned();
    ledger_batch::Entity::insert(row)
        .on_conflict(newer)
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

/// What the policy decided on changes in a stretch of time: digest, change, phase and time, in the order of digests.
///
/// # Errors
/// When the database does not answer.
pub async fn decisions(
    conn: &impl ConnectionTrait,
    from: i64,
    until: i64,
) -> Result<Vec<(Digest, String, String, i64)>, StoreError> {
    let rows: Vec<(Vec<u8>, String, String, i64)> = decision::Entity::find()
        .select_only()
        .columns([
            decision::Column::Sha256,
            decision::Column::ChangeId,
            decision::Column::Phase,
            decision::Column::At,
        ])
        .filter(decision::Column::At.gte(from))
        .filter(decision::Column::At.lt(until))
        .order_by_asc(decision::Column::Sha256)
        .into_tuple()
        .all(conn)
        .await?;
    rows.into_iter()
        .map(|(digest, change, phase, at)| Ok((super::super::changes::digest(digest)?, change, phase, at)))
        .collect()
}

fn batch(row: ledger_batch::Model) -> Result<BatchRow, StoreError> {
    let cost = row.cost_usd.parse();
    Ok(BatchRow {
        from: row.from_at,
        until: row.until_at,
        edition: row.edition.unsigned_abs(),
        count: row.count.unsigned_abs(),
        cost_usd: Usd(cost.map_err(|_| StoreError::Corrupt(format!("{} is no amount", row.cost_usd)))?),
        root: super::super::changes::digest(row.root)?,
        n: row.n,
        rows: row.rows,
    })
}

//! Encrypted prompts and answers of shadow runs, and the keys whose end is theirs.

use entities::{shadow_content, shadow_key};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter,
    QueryOrder, Statement, sea_query::OnConflict,
};

use super::{db::Db, error::StoreError};
use crate::values::RunId;

/// The word for what was asked, beside the names of the arms.
pub const PROMPT: &str = "prompt";

/// One encrypted text of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedText {
    /// Of which trace.
    pub trace_id: String,
    /// An arm's name, or [`PROMPT`].
    pub arm: String,
    /// Nonce, ciphertext, tag.
    pub sealed: Vec<u8>,
}

/// The key of a run as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredKey {
    /// Of which run.
    pub run: RunId,
    /// Under the master key; empty once destroyed.
    pub wrapped: Vec<u8>,
    /// When it was destroyed, milliseconds UTC.
    pub erased_at: Option<i64>,
}

/// Keeps the wrapped key of a run; the first one stays.
///
/// # Errors
/// When the database does not answer.
pub async fn keep_key(
    db: &Db,
    run: &RunId,
    wrapped: Vec<u8>,
    (made_at, erase_at): (i64, i64),
) -> Result<(), StoreError> {
    let row = shadow_key::ActiveModel {
        run_id: Set(run.0.clone()),
        wrapped: Set(wrapped),
        made_at: Set(made_at),
        erase_at: Set(erase_at),
        erased_at: Set(None),
    };
    db.write(move |tx| {
        Box::pin(async move {
            shadow_key::Entity::insert(row)
                .on_conflict_do_nothing_on([shadow_key::Column::RunId])
                .exec_without_returning(tx)
                .await?;
            Ok(())
        })
    })
    .await
}

/// The key of a run; none if it never had one.
///
/// # Errors
/// When the database does not answer.
pub async fn key(db: &Db, run: &RunId) -> Result<Option<StoredKey>, StoreError> {
    let row = shadow_key::Entity::find_by_id(run.0.clone())
        .one(db.reads())
        .await?;
    Ok(row.map(|row| StoredKey {
        run: RunId(row.run_id),
        wrapped: row.wrapped,
        erased_at: row.erased_at,
    }))
}

/// Puts texts of a run down within the caller's unit; a text that is there already stays as it is.
pub(super) async fn insert(
    tx: &DatabaseTransaction,
    run: &RunId,
    texts: Vec<SealedText>,
) -> Result<(), StoreError> {
    let rows: Vec<shadow_content::ActiveModel> = texts
        .into_iter()
        .map(|text| shadow_content::ActiveModel {
            run_id: Set(run.0.clone()),
            trace_id: Set(text.trace_id),
            arm: Set(text.arm),
            sealed: Set(text.sealed),
        })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let there_already = OnConflict::columns([
        shadow_content::Column::RunId,
        shadow_content::Column::TraceId,
        shadow_content::Column::Arm,
    ])
    .do_nothing()
    .to_owned();
    shadow_content::Entity::insert_many(rows)
        .on_conflict(there_already)
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

/// The texts of those traces of a run.
///
/// # Errors
/// When the database does not answer.
pub async fn texts(db: &Db, run: &RunId, traces: &[String]) -> Result<Vec<SealedText>, StoreError> {
    let rows = shadow_content::Entity::find()
        .filter(shadow_content::Column::RunId.eq(run.as_str()))
        .filter(shadow_content::Column::TraceId.is_in(traces.iter().map(String::as_str)))
        .all(db.reads())
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| SealedText {
            trace_id: row.trace_id,
            arm: row.arm,
            sealed: row.sealed,
        })
        .collect())
}

/// Runs whose keys are due to be destroyed at `now` (milliseconds UTC), oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn due(db: &Db, now: i64) -> Result<Vec<RunId>, StoreError> {
    let rows = shadow_key::Entity::find()
        .filter(shadow_key::Column::ErasedAt.is_null())
        .filter(shadow_key::Column::EraseAt.lte(now))
        .order_by_asc(shadow_key::Column::EraseAt)
        .all(db.reads())
        .await?;
    Ok(rows.into_iter().map(|row| RunId(row.run_id)).collect())
}

/// Destroys the key of a run and drops its texts in one unit; false if that was done before.
///
/// # Errors
/// When the database does not answer.
pub async fn erase(db: &Db, run: &RunId, at: i64) -> Result<bool, StoreError> {
    let id = run.0.clone();
    db.write(move |tx| {
        Box::pin(async move {
            let backend = tx.get_database_backend();
            let destroy =
                "UPDATE shadow_key SET wrapped = $2, erased_at = $3 WHERE run_id = $1 AND erased_at IS NULL";
            let values = [id.clone().into(), Vec::<u8>::new().into(), at.into()];
            let destroyed = tx
                .execute_raw(Statement::from_sql_and_values(backend, destroy, values))
                .await?;
            shadow_content::Entity::delete_many()
                .filter(shadow_content::Column::RunId.eq(id))
                .exec(tx)
                .await?;
            Ok(destroyed.rows_affected() > 0)
        })
    })
    .await
}

//! Versions of the catalog.

use entities::catalog_version::{ActiveModel, Column, Entity, Model};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseBackend, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};

use super::{db::Db, error::StoreError};
use crate::{catalog::Catalog, values::Digest};

/// A stored version.
#[derive(Clone, Debug)]
pub struct Version {
    /// SHA-256 of its canonical JSON.
    pub digest: Digest,
    /// The catalog.
    pub catalog: Catalog,
    /// When it was applied, milliseconds UTC.
    pub applied_at: i64,
    /// By whom.
    pub actor: String,
}

/// Number and digest of the version that holds now.
///
/// # Errors
/// When the database does not answer.
pub async fn newest_digest(db: &Db) -> Result<Option<(i64, Digest)>, StoreError> {
    let row: Option<(i64, Vec<u8>)> = Entity::find()
        .select_only()
        .columns([Column::Seq, Column::Digest])
        .order_by_desc(Column::Seq)
        .into_tuple()
        .one(db.reads())
        .await?;
    row.map(|(seq, digest)| Ok((seq, super::changes::digest(digest)?)))
        .transpose()
}

/// The version of that digest.
///
/// # Errors
/// When the database does not answer, or the row cannot be read.
pub async fn by_digest(db: &Db, digest: Digest) -> Result<Option<Version>, StoreError> {
    let row = Entity::find()
        .filter(Column::Digest.eq(digest.0.to_vec()))
        .order_by_desc(Column::Seq)
        .one(db.reads())
        .await?;
    row.map(version).transpose()
}

/// Every version without its content, newest first: digest, when it was applied in milliseconds UTC, and by whom.
///
/// # Errors
/// When the database does not answer.
pub async fn history(db: &Db, limit: u64) -> Result<Vec<(Digest, i64, String)>, StoreError> {
    let rows: Vec<(Vec<u8>, i64, String)> = Entity::find()
        .select_only()
        .columns([Column::Digest, Column::AppliedAt, Column::Actor])
        .order_by_desc(Column::Seq)
        .limit(limit)
        .into_tuple()
        .all(db.reads())
        .await?;
    rows.into_iter()
        .map(|(digest, at, actor)| Ok((super::changes::digest(digest)?, at, actor)))
        .collect()
}

/// Writes the version that comes after number `previous`, and holds from now on.
///
/// # Errors
/// [`StoreError::Contended`] when another version came after that one meanwhile.
pub async fn insert_after(db: &Db, previous: Option<i64>, version: Version) -> Result<(), StoreError> {
    let row = ActiveModel {
        digest: Set(version.digest.0.to_vec()),
        applied_at: Set(version.applied_at),
        actor: Set(version.actor),
        body: Set(serde_json::to_string(&version.catalog)?),
        ..ActiveModel::default()
    };
    db.write(move |tx| {
        Box::pin(async move {
            // SQLite has one writer; on PostgreSQL two could read the same predecessor, so one waits here for the other.
            if tx.get_database_backend() == DatabaseBackend::Postgres {
                tx.execute_unprepared("LOCK TABLE catalog_version IN SHARE ROW EXCLUSIVE MODE")
                    .await?;
            }
            let newest = Entity::find().select_only().column_as(Column::Seq.max(), "seq");
            let newest: Option<Option<i64>> = newest.into_tuple().one(tx).await?;
            if newest.flatten() != previous {
                return Err(StoreError::Contended);
            }
            Entity::insert(row).exec_without_returning(tx).await?;
            Ok(())
        })
    })
    .await
}

fn version(row: Model) -> Result<Version, StoreError> {
    Ok(Version {
        digest: super::changes::digest(row.digest)?,
        catalog: serde_json::from_str(&row.body)?,
        applied_at: row.applied_at,
        actor: row.actor,
    })
}

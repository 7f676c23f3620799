//! Versions of the catalog.

use entities::catalog_version;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

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

/// The version that holds now.
///
/// # Errors
/// When the database does not answer, or the row cannot be read.
pub async fn newest(db: &Db) -> Result<Option<Version>, StoreError> {
    let row = catalog_version::Entity::find()
        .order_by_desc(catalog_version::Column::Seq)
        .one(db.reads())
        .await?;
    row.map(version).transpose()
}

/// The digest of the version that holds now: asked for with every command, so it reads one short column.
///
/// # Errors
/// As [`newest`].
pub async fn newest_digest(db: &Db) -> Result<Option<Digest>, StoreError> {
    let row: Option<Vec<u8>> = catalog_version::Entity::find()
        .select_only()
        .column(catalog_version::Column::Digest)
        .order_by_desc(catalog_version::Column::Seq)
        .into_tuple()
        .one(db.reads())
        .await?;
    row.map(super::changes::digest).transpose()
}

/// The version of that digest.
///
/// # Errors
/// As [`newest`].
pub async fn by_digest(db: &Db, digest: Digest) -> Result<Option<Version>, StoreError> {
    let row = catalog_version::Entity::find()
        .filter(catalog_version::Column::Digest.eq(digest.0.to_vec()))
        .one(db.reads())
        .await?;
    row.map(version).transpose()
}

/// Writes a version that holds from now on.
///
/// # Errors
/// When the database cannot be written.
pub async fn insert(db: &Db, version: Version) -> Result<(), StoreError> {
    let row = catalog_version::ActiveModel {
        digest: Set(version.digest.0.to_vec()),
        applied_at: Set(version.applied_at),
        actor: Set(version.actor),
        body: Set(serde_json::to_string(&version.catalog)?),
        ..catalog_version::ActiveModel::default()
    };
    db.write(move |tx| {
        Box::pin(async move {
            catalog_version::Entity::insert(row).exec(tx).await?;
            Ok(())
        })
    })
    .await
}

fn version(row: catalog_version::Model) -> Result<Version, StoreError> {
    Ok(Version {
        digest: super::changes::digest(row.digest)?,
        catalog: serde_json::from_str(&row.body)?,
        applied_at: row.applied_at,
        actor: row.actor,
    })
}

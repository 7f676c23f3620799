//! Versions of the catalog.

use entities::{
    catalog_version::{ActiveModel, Column, Entity, Model},
    event, ledger_pending,
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseBackend, DatabaseTransaction, EntityTrait,
    QueryFilter, QueryOrder, QuerySelect,
};

use super::{commit::EventRow, db::Db, error::StoreError};
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

/// The name of the catalog's own events in the ledger, where a change has its id.
pub const STREAM: &str = "catalog";

/// Makes the event that tells of a version, from its number among the catalog's events and the hash of the one before.
pub type Record = Box<dyn FnOnce(i32, Digest) -> Result<EventRow, StoreError> + Send>;

/// Writes the version that comes after number `previous`, and holds from now on; with it, in the same commit, the event
/// that the ledger seals.
///
/// # Errors
/// [`StoreError::Contended`] when another version came after that one meanwhile.
pub async fn insert_after(
    db: &Db,
    previous: Option<i64>,
    version: Version,
    record: Option<Record>,
) -> Result<(), StoreError> {
    let at = version.applied_at;
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
            match record {
                Some(record) => tell(tx, record, at).await,
                None => Ok(()),
            }
        })
    })
    .await
}

/// Appends to the catalog's events, and lets the event wait for the sealer.
async fn tell(tx: &DatabaseTransaction, record: Record, at: i64) -> Result<(), StoreError> {
    let last: Option<(i32, Vec<u8>)> = event::Entity::find()
        .filter(event::Column::ChangeId.eq(STREAM))
        .select_only()
        .columns([event::Column::N, event::Column::Hash])
        .order_by_desc(event::Column::N)
        .into_tuple()
        .one(tx)
        .await?;
    let (n, head) = match last {
        Some((n, hash)) => (n, super::changes::digest(hash)?),
        None => (0, Digest([0; 32])),
    };
    let row = record(n + 1, head)?;
    let n = row.n;
    let event = event::ActiveModel {
        change_id: Set(STREAM.to_owned()),
        n: Set(n),
        kind: Set(row.kind.to_owned()),
        command_key: Set(format!("{STREAM}:{n}")),
        at: Set(at),
        hash: Set(row.hash.0.to_vec()),
        prev_hash: Set(row.prev_hash.0.to_vec()),
        actor: Set(row.actor),
        body: Set(row.body),
        ..event::ActiveModel::default()
    };
    let seq = event::Entity::insert(event).exec(tx).await?.last_insert_id;
    let waiting = ledger_pending::ActiveModel {
        event_seq: Set(seq),
        change_id: Set(STREAM.to_owned()),
        n: Set(n),
        at: Set(at),
    };
    ledger_pending::Entity::insert(waiting)
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

fn version(row: Model) -> Result<Version, StoreError> {
    Ok(Version {
        digest: super::changes::digest(row.digest)?,
        catalog: serde_json::from_str(&row.body)?,
        applied_at: row.applied_at,
        actor: row.actor,
    })
}

//! Sealed evidence packets: envelopes by the digest that votes and the ledger name.

use entities::packet;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, sea_query::OnConflict};

use super::{db::Db, error::StoreError};
use crate::{
    evidence::dsse::Envelope,
    values::{ChangeId, Digest, Revision},
};

/// A packet as it was sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// SHA-256 of the envelope's payload.
    pub digest: Digest,
    /// The change it is about.
    pub change: ChangeId,
    /// The edition it is about.
    pub revision: Revision,
    /// `packet.dsse.json`.
    pub envelope: String,
    /// When it was made, milliseconds UTC.
    pub created_at: i64,
}

/// Keeps a packet; the same one again changes nothing. Store it before the command that names it.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(
    db: &Db,
    change: &ChangeId,
    revision: Revision,
    envelope: &Envelope,
    at: i64,
) -> Result<Digest, StoreError> {
    let digest = envelope.digest();
    let row = packet::ActiveModel {
        sha256: Set(digest.0.to_vec()),
        change_id: Set(change.as_str().to_owned()),
        revision: Set(i32::try_from(revision.0).unwrap_or(i32::MAX)),
        envelope: Set(envelope.to_json()),
        created_at: Set(at),
    };
    db.write(move |tx| {
        Box::pin(async move {
            let same = OnConflict::column(packet::Column::Sha256).do_nothing().to_owned();
            packet::Entity::insert(row)
                .on_conflict(same)
                .exec_without_returning(tx)
                .await?;
            Ok(())
        })
    })
    .await?;
    Ok(digest)
}

/// The packet of that digest.
///
/// # Errors
/// When the database does not answer.
pub async fn by_digest(db: &Db, digest: Digest) -> Result<Option<Packet>, StoreError> {
    packet::Entity::find_by_id(digest.0.to_vec())
        .one(db.reads())
        .await?
        .map(read)
        .transpose()
}

/// The newest packet of a change.
///
/// # Errors
/// When the database does not answer.
pub async fn newest(db: &Db, change: &ChangeId) -> Result<Option<Packet>, StoreError> {
    packet::Entity::find()
        .filter(packet::Column::ChangeId.eq(change.as_str()))
        .order_by_desc(packet::Column::Revision)
        .order_by_desc(packet::Column::CreatedAt)
        .one(db.reads())
        .await?
        .map(read)
        .transpose()
}

fn read(row: packet::Model) -> Result<Packet, StoreError> {
    let digest = row.sha256.as_slice().try_into();
    let digest = digest.map_err(|_| StoreError::Corrupt("a packet's digest is not 32 bytes".to_owned()))?;
    Ok(Packet {
        digest: Digest(digest),
        change: ChangeId(row.change_id),
        revision: Revision(u32::try_from(row.revision).unwrap_or_default()),
        envelope: row.envelope,
        created_at: row.created_at,
    })
}

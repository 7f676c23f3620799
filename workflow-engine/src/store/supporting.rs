//! Pairs of supporting evidence, by the digest that the ledger names.

use entities::supporting_evidence;
use sea_orm::{ActiveValue::Set, EntityTrait};

use super::{db::Db, error::StoreError};
use crate::values::Digest;

/// Keeps pairs; the same ones again change nothing.
///
/// # Errors
/// When the database does not answer.
pub async fn keep(db: &Db, digest: &Digest, pairs: String) -> Result<(), StoreError> {
    let row = supporting_evidence::ActiveModel {
        sha256: Set(digest.0.to_vec()),
        pairs: Set(pairs),
    };
    db.write(move |tx| {
        Box::pin(async move {
            supporting_evidence::Entity::insert(row)
                .on_conflict_do_nothing_on([supporting_evidence::Column::Sha256])
                .exec_without_returning(tx)
                .await?;
            Ok(())
        })
    })
    .await
}

/// The pairs of that digest, one JSON object a line.
///
/// # Errors
/// When the database does not answer.
pub async fn pairs(db: &Db, digest: &Digest) -> Result<Option<String>, StoreError> {
    let row = supporting_evidence::Entity::find_by_id(digest.0.to_vec())
        .one(db.reads())
        .await?;
    Ok(row.map(|row| row.pairs))
}

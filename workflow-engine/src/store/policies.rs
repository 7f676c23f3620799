//! Proposed policies, by their digest: what a change of the policy would put in place, and what it would replace.

use entities::policy_edition::{ActiveModel, Column, Entity};
use sea_orm::{ActiveValue::Set, EntityTrait, sea_query::OnConflict};

use super::{db::Db, error::StoreError};
use crate::{policy::change::PolicyParts, values::Digest};

/// Keeps an edition; the same one again changes nothing. `at` in milliseconds UTC.
///
/// # Errors
/// When the database cannot be written.
pub async fn keep(db: &Db, parts: &PolicyParts, at: i64) -> Result<Digest, StoreError> {
    let digest = parts.digest();
    let row = ActiveModel {
        sha256: Set(digest.0.to_vec()),
        body: Set(serde_json::to_string(parts)?),
        at: Set(at),
    };
    db.write(move |tx| {
        Box::pin(async move {
            let same = OnConflict::column(Column::Sha256).do_nothing().to_owned();
            Entity::insert(row)
                .on_conflict(same)
                .exec_without_returning(tx)
                .await?;
            Ok(())
        })
    })
    .await?;
    Ok(digest)
}

/// The edition of that digest.
///
/// # Errors
/// When the database does not answer, or the row cannot be read.
pub async fn by_digest(db: &Db, digest: Digest) -> Result<Option<PolicyParts>, StoreError> {
    let row = Entity::find_by_id(digest.0.to_vec()).one(db.reads()).await?;
    row.map(|row| Ok(serde_json::from_str(&row.body)?)).transpose()
}

//! The policy's decisions in full: events and packets name them by their digest.

use entities::decision;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, sea_query::OnConflict};

use super::{db::Db, error::StoreError};
use crate::{
    policy::{Decision, Phase},
    values::{ChangeId, Digest},
};

/// Keeps a decision; the same one again changes nothing. Store it before the command that names it. `at` in milliseconds UTC.
///
/// # Errors
/// When the database cannot be written.
pub async fn insert(db: &Db, change: &ChangeId, decision: &Decision, at: i64) -> Result<Digest, StoreError> {
    let digest = Digest::of_json(decision)?;
    let row = decision::ActiveModel {
        sha256: Set(digest.0.to_vec()),
        change_id: Set(change.as_str().to_owned()),
        phase: Set(phase(decision.phase).to_owned()),
        body: Set(serde_json::to_string(decision)?),
        at: Set(at),
    };
    db.write(move |tx| {
        Box::pin(async move {
            let same = OnConflict::column(decision::Column::Sha256)
                .do_nothing()
                .to_owned();
            decision::Entity::insert(row)
                .on_conflict(same)
                .exec_without_returning(tx)
                .await?;
            Ok(())
        })
    })
    .await?;
    Ok(digest)
}

/// The decision of that digest.
///
/// # Errors
/// When the database does not answer, or the row cannot be read.
pub async fn by_digest(db: &Db, digest: Digest) -> Result<Option<Decision>, StoreError> {
    let row = decision::Entity::find_by_id(digest.0.to_vec())
        .one(db.reads())
        .await?;
    row.map(read).transpose()
}

/// The newest decision about a change; the full one where there is one.
///
/// # Errors
/// As [`by_digest`].
pub async fn newest(db: &Db, change: &ChangeId) -> Result<Option<Decision>, StoreError> {
    let row = decision::Entity::find()
        .filter(decision::Column::ChangeId.eq(change.as_str()))
        .order_by_desc(decision::Column::At)
        .order_by_desc(decision::Column::Phase)
        .one(db.reads())
        .await?;
    row.map(read).transpose()
}

fn read(row: decision::Model) -> Result<Decision, StoreError> {
    Ok(serde_json::from_str(&row.body)?)
}

fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Admission => "admission",
        Phase::Full => "full",
        Phase::Traffic => "traffic",
    }
}

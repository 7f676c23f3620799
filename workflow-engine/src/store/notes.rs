//! What people wrote: erasable; only salted commitments are in the ledger.

use std::collections::HashMap;

use entities::note;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::{db::Db, error::StoreError};

/// The texts of a change by note id; an erased one is absent.
///
/// # Errors
/// When the database does not answer.
pub async fn of_change(db: &Db, change_id: &str) -> Result<HashMap<String, String>, StoreError> {
    let rows = note::Entity::find()
        .filter(note::Column::ChangeId.eq(change_id))
        .all(db.reads())
        .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| row.body.map(|body| (row.id, body)))
        .collect())
}

//! Time stamps of an outside authority over signed heads.

use entities::ledger_timestamp::{ActiveModel, Column, Entity};
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait, QueryOrder, sea_query::OnConflict};

use super::{
    super::{db::Db, error::StoreError},
    read::place,
};

/// A head with its time stamp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamped {
    /// Entries under the head.
    pub size: u64,
    /// The note whose bytes were stamped.
    pub note: String,
    /// The authority's answer, DER.
    pub response: Vec<u8>,
    /// The time that it vouches for, milliseconds UTC.
    pub at: i64,
}

/// Keeps a time stamp; one for the same head is replaced.
///
/// # Errors
/// When the database cannot be written.
pub async fn keep(db: &Db, stamped: Stamped) -> Result<(), StoreError> {
    let row = ActiveModel {
        size: Set(place(stamped.size)?),
        note: Set(stamped.note),
        response: Set(stamped.response),
        at: Set(stamped.at),
    };
    db.write(move |tx| {
        Box::pin(async move {
            let newer = OnConflict::column(Column::Size)
                .update_columns([Column::Note, Column::Response, Column::At])
                .to_owned();
            Entity::insert(row)
                .on_conflict(newer)
                .exec_without_returning(tx)
                .await?;
            Ok(())
        })
    })
    .await
}

/// The newest head that was stamped.
///
/// # Errors
/// When the database does not answer.
pub async fn newest(conn: &impl ConnectionTrait) -> Result<Option<Stamped>, StoreError> {
    let row = Entity::find().order_by_desc(Column::Size).one(conn).await?;
    Ok(row.map(|row| Stamped {
        size: row.size.unsigned_abs(),
        note: row.note,
        response: row.response,
        at: row.at,
    }))
}

//! Copies: what was posted where, and which rendering of the change it shows.

use entities::message;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, sea_query::OnConflict};

use super::{db::Db, error::StoreError};
use crate::values::Digest;

/// One message of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copy {
    /// Its id.
    pub id: String,
    /// The change it shows, if it does.
    pub change_id: Option<String>,
    /// What it is for: `root`, `ask:<person>`, `event:<n>`, …
    pub purpose: String,
    /// Which platform.
    pub platform: String,
    /// Where it was sent to.
    pub place: String,
    /// What the platform calls it: `channel:message`.
    pub reference: String,
    /// The version of the change that it shows.
    pub rendered_version: i64,
    /// Digest of what it shows.
    pub rendered: Option<Digest>,
    /// When it was last brought up to date, milliseconds UTC.
    pub updated_at: i64,
}

/// The copies of a change on a platform, oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn of_change(db: &Db, platform: &str, change_id: &str) -> Result<Vec<Copy>, StoreError> {
    let rows = message::Entity::find()
        .filter(message::Column::Platform.eq(platform))
        .filter(message::Column::ChangeId.eq(change_id))
        .order_by_asc(message::Column::Id)
        .all(db.reads())
        .await?;
    rows.into_iter().map(copy).collect()
}

/// The copy for one purpose in one place.
///
/// # Errors
/// As [`of_change`].
pub async fn find(db: &Db, platform: &str, place: &str, purpose: &str) -> Result<Option<Copy>, StoreError> {
    let row = message::Entity::find()
        .filter(message::Column::Platform.eq(platform))
        .filter(message::Column::Place.eq(place))
        .filter(message::Column::Purpose.eq(purpose))
        .one(db.reads())
        .await?;
    row.map(copy).transpose()
}

/// The copy that the platform calls `reference`.
///
/// # Errors
/// As [`of_change`].
pub async fn by_reference(db: &Db, platform: &str, reference: &str) -> Result<Option<Copy>, StoreError> {
    let row = message::Entity::find()
        .filter(message::Column::Platform.eq(platform))
        .filter(message::Column::Reference.eq(reference))
        .one(db.reads())
        .await?;
    row.map(copy).transpose()
}

/// Remembers a copy; one that is there for the same purpose in the same place is replaced.
///
/// # Errors
/// When the database does not take it.
pub async fn save(db: &Db, copy: Copy) -> Result<(), StoreError> {
    let row = message::ActiveModel {
        id: Set(copy.id),
        change_id: Set(copy.change_id),
        purpose: Set(copy.purpose),
        platform: Set(copy.platform),
        place: Set(copy.place),
        reference: Set(copy.reference),
        rendered_version: Set(copy.rendered_version),
        rendered_sha256: Set(copy.rendered.map(|digest| digest.0.to_vec())),
        updated_at: Set(copy.updated_at),
    };
    let same = OnConflict::columns([
        message::Column::Platform,
        message::Column::Place,
        message::Column::Purpose,
    ])
    .update_columns([
        message::Column::Reference,
        message::Column::RenderedVersion,
        message::Column::RenderedSha256,
        message::Column::UpdatedAt,
    ])
    .to_owned();
    db.write(move |tx| {
        Box::pin(async move {
            message::Entity::insert(row)
                .on_conflict(same)
                .exec_without_returning(tx)
                .await?;
            Ok(())
        })
    })
    .await
}

fn copy(row: message::Model) -> Result<Copy, StoreError> {
    Ok(Copy {
        id: row.id,
        change_id: row.change_id,
        purpose: row.purpose,
        platform: row.platform,
        place: row.place,
        reference: row.reference,
        rendered_version: row.rendered_version,
        rendered: row.rendered_sha256.map(super::changes::digest).transpose()?,
        updated_at: row.updated_at,
    })
}

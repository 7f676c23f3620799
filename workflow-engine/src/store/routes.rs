//! What serves each workflow now.

use entities::live_route;
use sea_orm::{EntityTrait, QueryOrder};

use super::{db::Db, error::StoreError};
use crate::values::Route;

/// The route that serves a workflow, and the write that made it so.
#[derive(Clone, Debug)]
pub struct Live {
    /// The route.
    pub route: Route,
    /// The generation of that write; 0 when it came with the catalog.
    pub generation: u64,
    /// The change that brought it, if one did.
    pub change_number: Option<u64>,
}

/// The live route of `workflow`, if a change has ever moved it.
///
/// # Errors
/// When the database does not answer, or the row cannot be read.
pub async fn live(db: &Db, workflow: &str) -> Result<Option<Live>, StoreError> {
    let Some(row) = live_route::Entity::find_by_id(workflow).one(db.reads()).await? else {
        return Ok(None);
    };
    Ok(Some(Live {
        route: serde_json::from_str(&row.route)?,
        generation: u64::try_from(row.generation).unwrap_or_default(),
        change_number: row.change_number.and_then(|number| u64::try_from(number).ok()),
    }))
}

/// The highest generation that any gateway was given.
///
/// # Errors
/// As [`live`].
pub async fn newest_generation(db: &Db) -> Result<u64, StoreError> {
    let row = live_route::Entity::find()
        .order_by_desc(live_route::Column::Generation)
        .one(db.reads())
        .await?;
    Ok(row
        .and_then(|row| u64::try_from(row.generation).ok())
        .unwrap_or_default())
}

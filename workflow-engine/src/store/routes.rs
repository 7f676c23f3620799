//! What serves each workflow now.

use entities::live_route;
use sea_orm::EntityTrait;

use super::{db::Db, error::StoreError, statement::Text};
use crate::values::{Route, WorkflowId};

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

/// Every workflow whose route a change has moved, with the route that serves it.
///
/// # Errors
/// As [`live`].
pub async fn all_live(db: &Db) -> Result<Vec<(WorkflowId, Route)>, StoreError> {
    let rows = live_route::Entity::find().all(db.reads()).await?;
    let routes = rows
        .into_iter()
        .map(|row| Ok((WorkflowId(row.workflow), serde_json::from_str(&row.route)?)));
    routes.collect()
}

const TAKE_GENERATION: Text = Text::same(
    "INSERT INTO gateway_generation (id, newest) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET newest =
       CASE WHEN gateway_generation.newest < $1 THEN $1 ELSE gateway_generation.newest + 1 END
     RETURNING newest",
);

/// A generation for a write to a gateway, at least `least`: nobody else is given the same, however many writes begin at
/// once. One whose write does not come about is never used.
///
/// # Errors
/// As [`live`].
pub async fn take_generation(db: &Db, least: u64) -> Result<u64, StoreError> {
    let least = i64::try_from(least).unwrap_or(i64::MAX);
    let rows = db.single(TAKE_GENERATION, vec![least.into()]).await?;
    let row = rows
        .first()
        .ok_or_else(|| StoreError::Corrupt("no generation was given".to_owned()))?;
    let newest: i64 = row.try_get("", "newest")?;
    Ok(u64::try_from(newest).unwrap_or_default())
}

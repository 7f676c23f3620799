//! What was posted where: every copy of a card.

use sea_orm::entity::prelude::*;

/// A row of `message`. Times are milliseconds UTC.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "message")]
pub struct Model {
    /// Id.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub id: String,
    /// Change id.
    #[sea_orm(column_type = "Text")]
    pub change_id: Option<String>,
    /// Purpose.
    #[sea_orm(column_type = "Text")]
    pub purpose: String,
    /// Platform.
    #[sea_orm(column_type = "Text")]
    pub platform: String,
    /// Place.
    #[sea_orm(column_type = "Text")]
    pub place: String,
    /// Reference.
    #[sea_orm(column_type = "Text")]
    pub reference: String,
    /// Rendered version.
    pub rendered_version: i64,
    /// Rendered sha256.
    pub rendered_sha256: Option<Vec<u8>>,
    /// Updated at, milliseconds UTC.
    pub updated_at: i64,
}

/// No relations: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

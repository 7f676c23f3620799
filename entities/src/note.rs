//! Text that people wrote; erasable, only its commitment is in events.

use sea_orm::entity::prelude::*;

/// A row of `note`. Times are milliseconds UTC.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "note")]
pub struct Model {
    /// Id.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub id: String,
    /// Change id.
    #[sea_orm(column_type = "Text")]
    pub change_id: String,
    /// Author.
    #[sea_orm(column_type = "Text")]
    pub author: String,
    /// Salt.
    pub salt: Option<Vec<u8>>,
    /// Body.
    #[sea_orm(column_type = "Text")]
    pub body: Option<String>,
    /// At, milliseconds UTC.
    pub at: i64,
    /// Erased at, milliseconds UTC.
    pub erased_at: Option<i64>,
}

/// No relations: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

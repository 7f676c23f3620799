//! What serves each workflow now.

use sea_orm::entity::prelude::*;

/// A row of `live_route`. Times are milliseconds UTC.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "live_route")]
pub struct Model {
    /// Workflow.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub workflow: String,
    /// Route.
    #[sea_orm(column_type = "Text")]
    pub route: String,
    /// Generation.
    pub generation: i64,
    /// Change number.
    pub change_number: Option<i64>,
    /// At, milliseconds UTC.
    pub at: i64,
}

/// No relations: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

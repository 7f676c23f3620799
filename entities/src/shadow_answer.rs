//! One replayed answer; paid for once.

use sea_orm::entity::prelude::*;

/// A row of `shadow_answer`. Times are milliseconds UTC.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "shadow_answer")]
pub struct Model {
    /// Run id.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub run_id: String,
    /// Trace id.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub trace_id: String,
    /// Arm.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub arm: String,
    /// At, milliseconds UTC.
    pub at: i64,
    /// Body.
    #[sea_orm(column_type = "Text")]
    pub body: String,
}

/// No relations: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

//! The data key of a shadow run; destroying it erases what the run saw.

use sea_orm::entity::prelude::*;

/// A row of `shadow_key`. Times are milliseconds UTC.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "shadow_key")]
pub struct Model {
    /// Run id.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub run_id: String,
    /// The key under the master key; empty once it is destroyed.
    pub wrapped: Vec<u8>,
    /// Made at.
    pub made_at: i64,
    /// When it is to be destroyed.
    pub erase_at: i64,
    /// When it was.
    pub erased_at: Option<i64>,
}

/// No relations: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

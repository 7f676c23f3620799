//! What a chat platform delivered, written before it is acknowledged.

use sea_orm::entity::prelude::*;

/// A row of `inbox`. Times are milliseconds UTC.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "inbox")]
pub struct Model {
    /// Seq.
    #[sea_orm(primary_key)]
    pub seq: i64,
    /// Platform.
    #[sea_orm(column_type = "Text")]
    pub platform: String,
    /// Delivery.
    #[sea_orm(column_type = "Text")]
    pub delivery: String,
    /// Received at, milliseconds UTC.
    pub received_at: i64,
    /// Body.
    #[sea_orm(column_type = "Text")]
    pub body: String,
    /// Handled at, milliseconds UTC.
    pub handled_at: Option<i64>,
    /// Outcome.
    #[sea_orm(column_type = "Text")]
    pub outcome: Option<String>,
}

/// No relations: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

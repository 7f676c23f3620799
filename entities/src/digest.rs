//! Digests that were asked for and told.

use sea_orm::entity::prelude::*;

/// A row of `digest`. Times are milliseconds UTC.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "digest")]
pub struct Model {
    /// First day of the week.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub period: String,
    /// For whom.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub audience: String,
    /// Asked at, milliseconds UTC.
    pub asked_at: i64,
    /// The composed digest as JSON.
    #[sea_orm(column_type = "Text")]
    pub body: Option<String>,
    /// Sent at, milliseconds UTC.
    pub sent_at: Option<i64>,
}

/// No relations: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

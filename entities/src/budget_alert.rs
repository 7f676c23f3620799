//! Thresholds of budgets that people were told of.

use sea_orm::entity::prelude::*;

/// A row of `budget_alert`. Times are milliseconds UTC.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "budget_alert")]
pub struct Model {
    /// Key of the budget.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub budget: String,
    /// The month.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub period: String,
    /// Percent, or `forecast`.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub threshold: String,
    /// Told at, milliseconds UTC.
    pub at: i64,
    /// What people were told.
    #[sea_orm(column_type = "Text")]
    pub sentence: String,
}

/// No relations: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

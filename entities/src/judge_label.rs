//! Which of two answers a person holds better.

use sea_orm::entity::prelude::*;

/// A row of `judge_label`. Times are milliseconds UTC.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "judge_label")]
pub struct Model {
    /// Run id of the pair.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub run_id: String,
    /// Trace id of the pair.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub trace_id: String,
    /// The workflow it belongs to.
    #[sea_orm(column_type = "Text")]
    pub workflow: String,
    /// Who says it.
    #[sea_orm(column_type = "Text")]
    pub person: String,
    /// `incumbent`, `candidate` or `tie`.
    #[sea_orm(column_type = "Text")]
    pub says: String,
    /// When it was said.
    pub at: i64,
}

/// No relations: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

//! Runs of the shadow test.

use sea_orm::entity::prelude::*;

/// A row of `shadow_run`. Times are milliseconds UTC.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "shadow_run")]
pub struct Model {
    /// Id.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub id: String,
    /// Change id.
    #[sea_orm(column_type = "Text")]
    pub change_id: String,
    /// Revision.
    pub revision: i32,
    /// Plan sha256.
    pub plan_sha256: Vec<u8>,
    /// Plan.
    #[sea_orm(column_type = "Text")]
    pub plan: String,
    /// State.
    #[sea_orm(column_type = "Text")]
    pub state: String,
    /// Total.
    pub total: i32,
    /// Done.
    pub done: i32,
    /// Spent usd.
    #[sea_orm(column_type = "Text")]
    pub spent_usd: String,
    /// Started at, milliseconds UTC.
    pub started_at: i64,
    /// Finished at, milliseconds UTC.
    pub finished_at: Option<i64>,
    /// Report.
    #[sea_orm(column_type = "Text")]
    pub report: Option<String>,
    /// Report sha256.
    pub report_sha256: Option<Vec<u8>>,
}

/// No relations: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

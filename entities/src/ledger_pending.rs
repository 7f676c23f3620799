//! Events that wait for the sealer.

use sea_orm::entity::prelude::*;

/// A row of `ledger_pending`. Times are milliseconds UTC.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ledger_pending")]
pub struct Model {
    /// Event seq.
    #[sea_orm(primary_key, auto_increment = false)]
    pub event_seq: i64,
    /// Change id.
    #[sea_orm(column_type = "Text")]
    pub change_id: String,
    /// N.
    pub n: i32,
    /// At, milliseconds UTC.
    pub at: i64,
}

/// No relations: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

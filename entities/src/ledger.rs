//! Sealed events in their order.

use sea_orm::entity::prelude::*;

/// A row of `ledger`. Times are milliseconds UTC.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ledger")]
pub struct Model {
    /// Pos.
    #[sea_orm(primary_key, auto_increment = false)]
    pub pos: i64,
    /// Event seq.
    pub event_seq: i64,
    /// Leaf.
    pub leaf: Vec<u8>,
    /// Chain.
    pub chain: Vec<u8>,
}

/// No relations: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

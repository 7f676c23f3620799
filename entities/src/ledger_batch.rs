//! Batches of rows that the ledger vouches for.

use sea_orm::entity::prelude::*;

/// A row of `ledger_batch`: the seal over rows of one kind in one stretch of time. Times are milliseconds UTC.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ledger_batch")]
pub struct Model {
    /// Which rows: `calls` or `decisions`.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub rows: String,
    /// Beginning of the stretch.
    #[sea_orm(primary_key, auto_increment = false)]
    pub from_at: i64,
    /// Its end, not included.
    pub until_at: i64,
    /// The newest edition.
    pub edition: i32,
    /// Number of rows.
    pub count: i64,
    /// Sum of their cost, decimal text.
    #[sea_orm(column_type = "Text")]
    pub cost_usd: String,
    /// Merkle root over them.
    pub root: Vec<u8>,
    /// Number of the entry within the ledger's own stream.
    pub n: i32,
}

/// No relations: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

//! Stored digests of the ledger's tree, 256 a row.

use sea_orm::entity::prelude::*;

/// A row of `ledger_tile`: a C2SP tile.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ledger_tile")]
pub struct Model {
    /// Height in the tree, divided by 8.
    #[sea_orm(primary_key, auto_increment = false)]
    pub level: i32,
    /// Place from the left.
    #[sea_orm(primary_key, auto_increment = false)]
    pub n: i64,
    /// Digests in it, 1 to 256.
    pub width: i32,
    /// The digests, 32 bytes each.
    pub bytes: Vec<u8>,
}

/// No relations: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

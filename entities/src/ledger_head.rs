//! How far the ledger is sealed; one row.

use sea_orm::entity::prelude::*;

/// The row of `ledger_head`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ledger_head")]
pub struct Model {
    /// Always 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    /// Sealed events.
    pub size: i64,
    /// Root over them, 32 bytes.
    pub root: Vec<u8>,
    /// The verifier key of the log, once it has sealed something.
    #[sea_orm(column_type = "Text")]
    pub vkey: Option<String>,
}

/// No relations: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

//! Time stamps of an outside authority over signed heads.

use sea_orm::entity::prelude::*;

/// A row of `ledger_timestamp`. Times are milliseconds UTC.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ledger_timestamp")]
pub struct Model {
    /// Entries under the head.
    #[sea_orm(primary_key, auto_increment = false)]
    pub size: i64,
    /// The note whose bytes were stamped.
    #[sea_orm(column_type = "Text")]
    pub note: String,
    /// The authority's answer, DER.
    pub response: Vec<u8>,
    /// The time that it vouches for.
    pub at: i64,
}

/// No relations: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

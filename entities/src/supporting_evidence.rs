//! Pairs that were read from another tool's results.

use sea_orm::entity::prelude::*;

/// A row of `supporting_evidence`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "supporting_evidence")]
pub struct Model {
    /// SHA-256 of `pairs`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub sha256: Vec<u8>,
    /// One JSON object a line.
    #[sea_orm(column_type = "Text")]
    pub pairs: String,
}

/// No relations: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

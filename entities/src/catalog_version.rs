//! Every catalog that was applied.

use sea_orm::entity::prelude::*;

/// A row of `catalog_version`. Times are milliseconds UTC.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "catalog_version")]
pub struct Model {
    /// Seq.
    #[sea_orm(primary_key)]
    pub seq: i64,
    /// Digest.
    pub digest: Vec<u8>,
    /// Applied at, milliseconds UTC.
    pub applied_at: i64,
    /// Actor.
    #[sea_orm(column_type = "Text")]
    pub actor: String,
    /// Body.
    #[sea_orm(column_type = "Text")]
    pub body: String,
}

/// No relations: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

//! Editions of the policy that somebody proposed.

use sea_orm::entity::prelude::*;

/// A row of `policy_edition`. Times are milliseconds UTC.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "policy_edition")]
pub struct Model {
    /// Sha256.
    #[sea_orm(primary_key, auto_increment = false)]
    pub sha256: Vec<u8>,
    /// Body.
    #[sea_orm(column_type = "Text")]
    pub body: String,
    /// At, milliseconds UTC.
    pub at: i64,
}

/// No relations: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

//! Idempotency: what was asked under a key, and what came of it.

use sea_orm::entity::prelude::*;

/// A row of `command`. Times are milliseconds UTC.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "command")]
pub struct Model {
    /// Key.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub key: String,
    /// Change id.
    #[sea_orm(column_type = "Text")]
    pub change_id: String,
    /// Payload sha256.
    pub payload_sha256: Vec<u8>,
    /// Result.
    #[sea_orm(column_type = "Text")]
    pub result: String,
    /// At, milliseconds UTC.
    pub at: i64,
}

/// No relations: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

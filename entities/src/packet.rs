//! Sealed evidence packets.

use sea_orm::entity::prelude::*;

/// A row of `packet`. Times are milliseconds UTC.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "packet")]
pub struct Model {
    /// Sha256.
    #[sea_orm(primary_key, auto_increment = false)]
    pub sha256: Vec<u8>,
    /// Change id.
    #[sea_orm(column_type = "Text")]
    pub change_id: String,
    /// Revision.
    pub revision: i32,
    /// Envelope.
    #[sea_orm(column_type = "Text")]
    pub envelope: String,
    /// Created at, milliseconds UTC.
    pub created_at: i64,
}

/// No relations: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

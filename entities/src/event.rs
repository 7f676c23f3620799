//! What happened, append-only; `body` is the canonical JSON that is hashed and sealed.

use sea_orm::entity::prelude::*;

/// A row of `event`. Times are milliseconds UTC.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "event")]
pub struct Model {
    /// Seq.
    #[sea_orm(primary_key)]
    pub seq: i64,
    /// Change id.
    #[sea_orm(column_type = "Text")]
    pub change_id: String,
    /// N.
    pub n: i32,
    /// Kind.
    #[sea_orm(column_type = "Text")]
    pub kind: String,
    /// Actor.
    #[sea_orm(column_type = "Text")]
    pub actor: String,
    /// Command key.
    #[sea_orm(column_type = "Text")]
    pub command_key: String,
    /// At, milliseconds UTC.
    pub at: i64,
    /// Body.
    pub body: Vec<u8>,
    /// Prev hash.
    pub prev_hash: Vec<u8>,
    /// Hash.
    pub hash: Vec<u8>,
}

/// No relations: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

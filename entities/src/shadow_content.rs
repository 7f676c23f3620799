//! What one arm of a shadow run was asked or answered, encrypted.

use sea_orm::entity::prelude::*;

/// A row of `shadow_content`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "shadow_content")]
pub struct Model {
    /// Run id.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub run_id: String,
    /// Trace id.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub trace_id: String,
    /// Arm, or `prompt`.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub arm: String,
    /// Nonce, ciphertext, tag.
    pub sealed: Vec<u8>,
}

/// No relations: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

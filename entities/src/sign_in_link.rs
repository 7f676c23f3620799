//! Links that sign a person in once, as hashes.

use sea_orm::entity::prelude::*;

/// A row of `sign_in_link`. Times are milliseconds UTC.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sign_in_link")]
pub struct Model {
    /// SHA-256 of the link's secret.
    #[sea_orm(primary_key, auto_increment = false)]
    pub link_sha256: Vec<u8>,
    /// Whom it signs in.
    #[sea_orm(column_type = "Text")]
    pub person: String,
    /// When it was made.
    pub created_at: i64,
    /// Until when it works.
    pub expires_at: i64,
}

/// No relations: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

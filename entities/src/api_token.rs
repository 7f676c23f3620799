//! Tokens of programs and people, as hashes.

use sea_orm::entity::prelude::*;

/// A row of `api_token`. Times are milliseconds UTC.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api_token")]
pub struct Model {
    /// Id.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub id: String,
    /// Name.
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// Role.
    #[sea_orm(column_type = "Text")]
    pub role: String,
    /// Source.
    #[sea_orm(column_type = "Text")]
    pub source: Option<String>,
    /// Person.
    #[sea_orm(column_type = "Text")]
    pub person: Option<String>,
    /// Sha256.
    pub sha256: Vec<u8>,
    /// Created at, milliseconds UTC.
    pub created_at: i64,
    /// Revoked at, milliseconds UTC.
    pub revoked_at: Option<i64>,
}

/// No relations: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

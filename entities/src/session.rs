//! Signed-in people.

use sea_orm::entity::prelude::*;

/// A row of `session`. Times are milliseconds UTC.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "session")]
pub struct Model {
    /// Id sha256.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id_sha256: Vec<u8>,
    /// Person.
    #[sea_orm(column_type = "Text")]
    pub person: String,
    /// Csrf.
    #[sea_orm(column_type = "Text")]
    pub csrf: String,
    /// Created at, milliseconds UTC.
    pub created_at: i64,
    /// Expires at, milliseconds UTC.
    pub expires_at: i64,
    /// Auth at, milliseconds UTC.
    pub auth_at: i64,
}

/// No relations: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

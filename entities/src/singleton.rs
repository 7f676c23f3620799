//! Who does leader-only work, fenced by a token.

use sea_orm::entity::prelude::*;

/// A row of `singleton`. Times are milliseconds UTC.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "singleton")]
pub struct Model {
    /// Name.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub name: String,
    /// Holder.
    #[sea_orm(column_type = "Text")]
    pub holder: String,
    /// Token.
    pub token: i64,
    /// Until, milliseconds UTC by the database's own clock on PostgreSQL.
    pub until: i64,
}

/// No relations: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

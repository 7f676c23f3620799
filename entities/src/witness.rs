//! Witnesses of the ledger.

use sea_orm::entity::prelude::*;

/// A row of `witness`. Times are milliseconds UTC.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "witness")]
pub struct Model {
    /// Its verifier key, which holds its name.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub vkey: String,
    /// Entries under the largest head it cosigned.
    pub size: i64,
    /// When it last cosigned.
    pub cosigned_at: Option<i64>,
    /// When it was last asked.
    pub asked_at: i64,
    /// Why it did not cosign when it was last asked.
    #[sea_orm(column_type = "Text", nullable)]
    pub trouble: Option<String>,
    /// 1 when it holds another or a larger ledger than ours.
    pub alarm: i32,
}

/// No relations: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

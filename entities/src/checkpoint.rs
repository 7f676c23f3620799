//! Signed heads of the ledger.

use sea_orm::entity::prelude::*;

/// A row of `checkpoint`. Times are milliseconds UTC.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "checkpoint")]
pub struct Model {
    /// Size.
    #[sea_orm(primary_key, auto_increment = false)]
    pub size: i64,
    /// Root.
    pub root: Vec<u8>,
    /// Prev root.
    pub prev_root: Option<Vec<u8>>,
    /// Signature.
    #[sea_orm(column_type = "Text")]
    pub signature: Option<String>,
    /// At, milliseconds UTC.
    pub at: i64,
    /// Witness ref.
    #[sea_orm(column_type = "Text")]
    pub witness_ref: Option<String>,
    /// How many witnesses have cosigned the note.
    pub cosigned: i32,
}

/// No relations: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

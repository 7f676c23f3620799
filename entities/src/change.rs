//! One row a change: the newest state, its version and the head of its hash chain.

use sea_orm::entity::prelude::*;

/// A row of `change`. Times are milliseconds UTC.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "change")]
pub struct Model {
    /// Id.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub id: String,
    /// Number.
    pub number: i64,
    /// Workflow.
    #[sea_orm(column_type = "Text")]
    pub workflow: String,
    /// Requester.
    #[sea_orm(column_type = "Text")]
    pub requester: String,
    /// Definition.
    #[sea_orm(column_type = "Text")]
    pub definition: String,
    /// Definition version.
    pub definition_version: i32,
    /// State.
    #[sea_orm(column_type = "Text")]
    pub state: String,
    /// Version.
    pub version: i64,
    /// Revision.
    pub revision: i32,
    /// Event n.
    pub event_n: i32,
    /// Head hash.
    pub head_hash: Vec<u8>,
    /// Deadline at, milliseconds UTC.
    pub deadline_at: Option<i64>,
    /// Filed at, milliseconds UTC.
    pub filed_at: i64,
    /// Updated at, milliseconds UTC.
    pub updated_at: i64,
    /// Body.
    #[sea_orm(column_type = "Text")]
    pub body: String,
}

/// No relations: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

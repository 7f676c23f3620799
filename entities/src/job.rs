//! Effects, long steps and timers.

use sea_orm::entity::prelude::*;

/// A row of `job`. Times are milliseconds UTC.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "job")]
pub struct Model {
    /// Seq.
    #[sea_orm(primary_key)]
    pub seq: i64,
    /// Id.
    #[sea_orm(column_type = "Text")]
    pub id: String,
    /// Change id.
    #[sea_orm(column_type = "Text")]
    pub change_id: Option<String>,
    /// Event n.
    pub event_n: Option<i32>,
    /// Kind.
    #[sea_orm(column_type = "Text")]
    pub kind: String,
    /// Lane.
    #[sea_orm(column_type = "Text")]
    pub lane: Option<String>,
    /// Dedup.
    #[sea_orm(column_type = "Text")]
    pub dedup: Option<String>,
    /// Payload.
    #[sea_orm(column_type = "Text")]
    pub payload: String,
    /// When it may be done, milliseconds UTC.
    pub due_at: i64,
    /// Until when its claim holds, milliseconds UTC by the database's own clock on PostgreSQL; none while nobody has it.
    /// Means nothing once it is done.
    pub leased_until: Option<i64>,
    /// Token.
    pub token: i64,
    /// Attempts.
    pub attempts: i32,
    /// Max attempts.
    pub max_attempts: i32,
    /// Created at, milliseconds UTC.
    pub created_at: i64,
    /// Done at, milliseconds UTC.
    pub done_at: Option<i64>,
    /// Outcome.
    #[sea_orm(column_type = "Text")]
    pub outcome: Option<String>,
    /// Last error.
    #[sea_orm(column_type = "Text")]
    pub last_error: Option<String>,
    /// Who sent it again after it was given up.
    #[sea_orm(column_type = "Text")]
    pub sent_again_by: Option<String>,
}

/// No relations: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

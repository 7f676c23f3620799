//! What a judge said of two answers in one order; paid for once.

use sea_orm::entity::prelude::*;

/// A row of `judge_verdict`. Times are milliseconds UTC.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "judge_verdict")]
pub struct Model {
    /// Digest of the judge card.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub judge: String,
    /// Run id of the pair.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub run_id: String,
    /// Trace id of the pair.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub trace_id: String,
    /// `forward` (today's answer first), `swapped`, or `same` where nobody was asked.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub turn: String,
    /// `incumbent`, `candidate` or `tie`; null where the reply was no verdict.
    #[sea_orm(column_type = "Text", nullable)]
    pub says: Option<String>,
    /// The longer answer, or `tie`.
    #[sea_orm(column_type = "Text")]
    pub longer: String,
    /// The run that paid.
    #[sea_orm(column_type = "Text")]
    pub asked_by: String,
    /// How often the question was sent.
    pub attempts: i64,
    /// When it was said.
    pub at: i64,
}

/// No relations: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

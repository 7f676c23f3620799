//! A second guard beside the version: one person one slot, one seat one person.

use sea_orm::entity::prelude::*;

/// A row of `vote`. Times are milliseconds UTC.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "vote")]
pub struct Model {
    /// Change id.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub change_id: String,
    /// Revision.
    #[sea_orm(primary_key, auto_increment = false)]
    pub revision: i32,
    /// Slot.
    #[sea_orm(column_type = "Text")]
    pub slot: String,
    /// Seat.
    pub seat: i32,
    /// Approver.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub approver: String,
    /// Packet sha256.
    pub packet_sha256: Vec<u8>,
    /// At, milliseconds UTC.
    pub at: i64,
}

/// No relations: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

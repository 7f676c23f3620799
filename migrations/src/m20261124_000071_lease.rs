//! A job's lease in a column of its own, apart from when the job is due.

use sea_orm_migration::prelude::*;

use crate::dialect::run;

/// `heartbeat_at` goes: the lease says the same. A claim changes no indexed column any more.
const LEASE: &str = "
ALTER TABLE job ADD COLUMN leased_until BIGINT
---
ALTER TABLE job DROP COLUMN heartbeat_at";

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, LEASE).await
    }
}

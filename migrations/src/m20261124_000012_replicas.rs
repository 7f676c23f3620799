//! Who sent a job again; changes by the version of the rules that they follow.

use sea_orm_migration::prelude::*;

use crate::dialect::run;

/// Adds `job.sent_again_by` and an index that finds changes of unknown versions among many.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(
            manager,
            "ALTER TABLE job ADD COLUMN sent_again_by TEXT
---
CREATE INDEX change_definition ON change (definition_version)",
        )
        .await
    }
}

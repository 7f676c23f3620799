//! The index of lanes answers only questions about lanes, and the index of due jobs none of them.

use sea_orm_migration::prelude::*;

use crate::dialect::run;

/// Open jobs are those without an outcome here and those without an end in `job_due`. With the same words in both,
/// PostgreSQL took the index of due jobs to find what waits in a lane, whenever it made its plan while both were empty.
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
            "DROP INDEX job_lane
---
CREATE INDEX job_lane ON job (lane, seq) WHERE outcome IS NULL AND lane IS NOT NULL",
        )
        .await
    }
}

//! Calls that the policy does not allow are found without reading the others.

use sea_orm_migration::prelude::*;

use crate::dialect::run;

/// An index that holds nothing but them; each day's partition gets its own when it is attached.
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
            "CREATE INDEX call_findings ON call (id) WHERE findings <> '[]'",
        )
        .await
    }
}

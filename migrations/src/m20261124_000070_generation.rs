//! The newest generation that was given to a write to a gateway: each is given once, however many writes begin at once.

use sea_orm_migration::prelude::*;

use crate::dialect::run;

/// One row, made with the first write.
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
            "CREATE TABLE gateway_generation (id INTEGER PRIMARY KEY CHECK (id = 1), newest BIGINT NOT NULL)",
        )
        .await
    }
}

//! What chat needs to find quickly: the copy that a person replied to, and old deliveries to forget.

use sea_orm_migration::prelude::*;

use crate::dialect;

const INDEXES: &str = "
CREATE INDEX message_reference ON message (platform, reference)
---
CREATE INDEX inbox_received ON inbox (received_at)";

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, INDEXES).await
    }
}

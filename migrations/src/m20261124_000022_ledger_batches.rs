//! What the ledger vouches for beside changes: batches of rows, and an outside clock's word for its heads.

use sea_orm_migration::prelude::*;

use crate::dialect;

/// `ledger_batch.n` is the entry's number in the ledger's own stream of events; `cost_usd` is exact decimal text.
const TABLES: &str = "
CREATE TABLE ledger_timestamp (size BIGINT PRIMARY KEY, note TEXT NOT NULL, response {blob} NOT NULL, at BIGINT NOT NULL)
---
CREATE TABLE ledger_batch (
  rows TEXT NOT NULL, from_at BIGINT NOT NULL, until_at BIGINT NOT NULL, edition INTEGER NOT NULL, count BIGINT NOT NULL,
  cost_usd TEXT NOT NULL, root {blob} NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (rows, from_at)
)";

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, TABLES).await
    }
}

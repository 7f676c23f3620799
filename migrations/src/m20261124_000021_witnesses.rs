//! Witnesses of the ledger: how far each has cosigned it, and what is wrong with it.

use sea_orm_migration::prelude::*;

use crate::dialect;

/// `witness.size` is the largest head it cosigned; `alarm` is 1 when it holds another or a larger ledger than ours.
/// `checkpoint.cosigned` counts the cosignatures on the note.
const TABLES: &str = "
CREATE TABLE witness (
  vkey TEXT PRIMARY KEY, size BIGINT NOT NULL, cosigned_at BIGINT, asked_at BIGINT NOT NULL, trouble TEXT,
  alarm INTEGER NOT NULL
)
---
ALTER TABLE checkpoint ADD COLUMN cosigned INTEGER NOT NULL DEFAULT 0
---
CREATE INDEX checkpoint_cosigned ON checkpoint (size) WHERE cosigned > 0";

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

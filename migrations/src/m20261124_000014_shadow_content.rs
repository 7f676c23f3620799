//! What a shadow run saw: prompts and answers, encrypted for each run with a key that can be destroyed.

use sea_orm_migration::prelude::*;

use crate::dialect;

/// `shadow_key.wrapped` is the run's data key under the master key, empty once it is destroyed; `shadow_content.sealed`
/// is nonce, ciphertext and tag of one arm of one trace (`arm` is `prompt` for what was asked).
const TABLES: &str = "
CREATE TABLE shadow_key (
  run_id TEXT PRIMARY KEY, wrapped {blob} NOT NULL, made_at BIGINT NOT NULL, erase_at BIGINT NOT NULL,
  erased_at BIGINT
)
---
CREATE INDEX shadow_key_due ON shadow_key (erase_at) WHERE erased_at IS NULL
---
CREATE TABLE shadow_content (
  run_id TEXT NOT NULL, trace_id TEXT NOT NULL, arm TEXT NOT NULL, sealed {blob} NOT NULL,
  PRIMARY KEY (run_id, trace_id, arm)
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

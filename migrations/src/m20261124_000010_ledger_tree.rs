//! The tree over the sealed events: its head, and the stored digests that proofs are made of.

use sea_orm_migration::prelude::*;

use crate::dialect;

/// `ledger_head` has one row, moved by compare-and-swap; `vkey` is the verifier key of the log that signs it.
/// `ledger_tile` holds C2SP tiles: `bytes` are `width` digests of 32 bytes of tree level 8 × `level`.
const TABLES: &str = "
CREATE TABLE ledger_head (
  id INTEGER PRIMARY KEY CHECK (id = 1), size BIGINT NOT NULL, root {blob} NOT NULL, vkey TEXT
)
---
CREATE TABLE ledger_tile (
  level INTEGER NOT NULL, n BIGINT NOT NULL, width INTEGER NOT NULL, bytes {blob} NOT NULL, PRIMARY KEY (level, n)
)
---
CREATE INDEX checkpoint_unsigned ON checkpoint (size) WHERE signature IS NULL";

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, TABLES).await?;
        // The empty tree's root is SHA-256 of nothing.
        let root = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let bytes = if dialect::is_postgres(manager) {
            format!("'\\x{root}'")
        } else {
            format!("x'{root}'")
        };
        dialect::run(
            manager,
            &format!("INSERT INTO ledger_head (id, size, root) VALUES (1, 0, {bytes})"),
        )
        .await
    }
}

//! Supporting evidence: pairs out of other tools' results, by the digest that the ledger names.

use sea_orm_migration::prelude::*;

use crate::dialect;

/// Which change has which digest stands in the change's events.
const TABLES: &str = "CREATE TABLE supporting_evidence (sha256 {blob} PRIMARY KEY, pairs TEXT NOT NULL)";

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

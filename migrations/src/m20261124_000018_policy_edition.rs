//! Editions of the policy that somebody proposed.

use sea_orm_migration::prelude::*;

use crate::dialect::run;

/// Makes `policy_edition`.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(
            manager,
            "CREATE TABLE policy_edition (sha256 {blob} PRIMARY KEY, body TEXT NOT NULL, at BIGINT NOT NULL)",
        )
        .await
    }
}

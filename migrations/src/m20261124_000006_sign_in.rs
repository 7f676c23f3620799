//! Links that sign a person in to the console once.

use sea_orm_migration::prelude::*;

use crate::dialect::run;

/// Makes `sign_in_link`.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(
            manager,
            "CREATE TABLE sign_in_link (
               link_sha256 {blob} PRIMARY KEY,
               person TEXT NOT NULL,
               created_at BIGINT NOT NULL,
               expires_at BIGINT NOT NULL
             )
---
CREATE INDEX sign_in_link_expires ON sign_in_link (expires_at)",
        )
        .await
    }
}

//! Digests that were told, and thresholds of budgets that were told of: once each.

use sea_orm_migration::prelude::*;

use crate::dialect;

/// `period` is `2026-11-16` for the week that begins then, `2026-11` for a month. Times are milliseconds UTC.
const TABLES: &str = "
CREATE TABLE digest (
  period TEXT NOT NULL, audience TEXT NOT NULL, asked_at BIGINT NOT NULL, body TEXT, sent_at BIGINT,
  PRIMARY KEY (period, audience)
)
---
CREATE TABLE budget_alert (
  budget TEXT NOT NULL, period TEXT NOT NULL, threshold TEXT NOT NULL, at BIGINT NOT NULL, sentence TEXT NOT NULL,
  PRIMARY KEY (budget, period, threshold)
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

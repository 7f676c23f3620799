//! Judging free text: what people say of a pair, and what a judge said of it in both orders.

use sea_orm_migration::prelude::*;

use crate::dialect;

/// `says` and `longer` are `incumbent`, `candidate` or `tie`; a judge's `says` is null where its reply was no verdict.
/// `judge` is the digest of the judge card, `turn` the order in which the answers were shown (`forward`, `swapped`), or
/// `same` where both are the same text and nobody was asked; `asked_by` is the run that paid.
const TABLES: &str = "
CREATE TABLE judge_label (
  run_id TEXT NOT NULL, trace_id TEXT NOT NULL, workflow TEXT NOT NULL, person TEXT NOT NULL, says TEXT NOT NULL,
  at BIGINT NOT NULL, PRIMARY KEY (run_id, trace_id)
)
---
CREATE INDEX judge_label_workflow ON judge_label (workflow)
---
CREATE TABLE judge_verdict (
  judge TEXT NOT NULL, run_id TEXT NOT NULL, trace_id TEXT NOT NULL, turn TEXT NOT NULL, says TEXT,
  longer TEXT NOT NULL, asked_by TEXT NOT NULL, attempts BIGINT NOT NULL, at BIGINT NOT NULL,
  PRIMARY KEY (judge, run_id, trace_id, turn)
)
---
CREATE INDEX judge_verdict_asked_by ON judge_verdict (asked_by)";

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

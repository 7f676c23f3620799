//! A job is written into three indexes instead of five: it is found by its row, and only chores have a word of their own.

use sea_orm_migration::prelude::*;

use crate::dialect;

/// What a commit asks for is asked for once because the commit happens once; `dedup` is for chores, which nobody commits.
const POSTGRES: &str = "
ALTER TABLE job DROP CONSTRAINT job_id_key
---
ALTER TABLE job DROP CONSTRAINT job_dedup_key
---
ALTER TABLE job ALTER COLUMN dedup DROP NOT NULL
---
DROP INDEX job_dead";

/// SQLite cannot take a constraint away.
const SQLITE: &str = "
CREATE TABLE lean_job (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, change_id TEXT, event_n INTEGER, kind TEXT NOT NULL, lane TEXT,
  dedup TEXT, payload TEXT NOT NULL, due_at BIGINT NOT NULL, token BIGINT NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0, max_attempts INTEGER NOT NULL, created_at BIGINT NOT NULL, done_at BIGINT,
  outcome TEXT, last_error TEXT, sent_again_by TEXT, leased_until BIGINT
)
---
INSERT INTO lean_job (seq, id, change_id, event_n, kind, lane, dedup, payload, due_at, token, attempts, max_attempts,
  created_at, done_at, outcome, last_error, sent_again_by, leased_until)
SELECT seq, id, change_id, event_n, kind, lane, dedup, payload, due_at, token, attempts, max_attempts,
  created_at, done_at, outcome, last_error, sent_again_by, leased_until FROM job
---
DROP TABLE job
---
ALTER TABLE lean_job RENAME TO job
---
CREATE INDEX job_due ON job (due_at, seq) WHERE done_at IS NULL
---
CREATE INDEX job_lane ON job (lane, seq) WHERE done_at IS NULL AND lane IS NOT NULL";

const BOTH: &str = "
CREATE UNIQUE INDEX job_dedup ON job (dedup) WHERE dedup IS NOT NULL
---
CREATE INDEX job_dead ON job (id) WHERE outcome = 'dead'";

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let own = if dialect::is_postgres(manager) {
            POSTGRES
        } else {
            SQLITE
        };
        dialect::run(manager, own).await?;
        dialect::run(manager, BOTH).await
    }
}

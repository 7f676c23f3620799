//! Changes, their events, votes and jobs; the ledger; what chat and the console need to remember.

use sea_orm_migration::prelude::*;

use crate::dialect;

/// Times are milliseconds UTC, ids UUIDv7 text, hashes 32 bytes.
const TABLES: &str = "
CREATE TABLE change (
  id TEXT PRIMARY KEY, number BIGINT NOT NULL UNIQUE, workflow TEXT NOT NULL, requester TEXT NOT NULL,
  definition TEXT NOT NULL, definition_version INTEGER NOT NULL,
  state TEXT NOT NULL, version BIGINT NOT NULL, revision INTEGER NOT NULL, event_n INTEGER NOT NULL,
  head_hash {blob} NOT NULL, deadline_at BIGINT, filed_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, body TEXT NOT NULL
){hot}
---
CREATE INDEX change_workflow ON change (workflow, number)
---
CREATE TABLE event (
  seq {seq}, change_id TEXT NOT NULL, n INTEGER NOT NULL, kind TEXT NOT NULL, actor TEXT NOT NULL,
  command_key TEXT NOT NULL, at BIGINT NOT NULL, body {blob} NOT NULL, prev_hash {blob} NOT NULL, hash {blob} NOT NULL,
  UNIQUE (change_id, n)
)
---
CREATE TABLE command (
  key TEXT PRIMARY KEY, change_id TEXT NOT NULL, payload_sha256 {blob} NOT NULL, result TEXT NOT NULL, at BIGINT NOT NULL
)
---
CREATE INDEX command_at ON command (at)
---
CREATE TABLE vote (
  change_id TEXT NOT NULL, revision INTEGER NOT NULL, slot TEXT NOT NULL, seat INTEGER NOT NULL, approver TEXT NOT NULL,
  packet_sha256 {blob} NOT NULL, at BIGINT NOT NULL,
  UNIQUE (change_id, revision, slot, seat), UNIQUE (change_id, revision, approver)
)
---
CREATE TABLE note (
  id TEXT PRIMARY KEY, change_id TEXT NOT NULL, author TEXT NOT NULL, salt {blob}, body TEXT, at BIGINT NOT NULL,
  erased_at BIGINT
)
---
CREATE TABLE job (
  seq {seq}, id TEXT NOT NULL UNIQUE, change_id TEXT, event_n INTEGER, kind TEXT NOT NULL, lane TEXT,
  dedup TEXT NOT NULL UNIQUE, payload TEXT NOT NULL, due_at BIGINT NOT NULL, token BIGINT NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0, max_attempts INTEGER NOT NULL, created_at BIGINT NOT NULL, heartbeat_at BIGINT,
  done_at BIGINT, outcome TEXT, last_error TEXT
){hot}
---
CREATE INDEX job_due ON job (due_at, seq) WHERE done_at IS NULL
---
CREATE INDEX job_lane ON job (lane, seq) WHERE done_at IS NULL AND lane IS NOT NULL
---
CREATE INDEX job_dead ON job (seq) WHERE outcome = 'dead'
---
CREATE INDEX job_change ON job (change_id) WHERE done_at IS NULL
---
CREATE TABLE ledger_pending (event_seq BIGINT PRIMARY KEY, change_id TEXT NOT NULL, n INTEGER NOT NULL, at BIGINT NOT NULL)
---
CREATE TABLE ledger (pos BIGINT PRIMARY KEY, event_seq BIGINT NOT NULL UNIQUE, leaf {blob} NOT NULL, chain {blob} NOT NULL)
---
CREATE TABLE checkpoint (
  size BIGINT PRIMARY KEY, root {blob} NOT NULL, prev_root {blob}, signature TEXT, at BIGINT NOT NULL, witness_ref TEXT
)
---
CREATE TABLE singleton (name TEXT PRIMARY KEY, holder TEXT NOT NULL, token BIGINT NOT NULL, until BIGINT NOT NULL)
---
CREATE TABLE inbox (
  seq {seq}, platform TEXT NOT NULL, delivery TEXT NOT NULL, received_at BIGINT NOT NULL, body TEXT NOT NULL,
  handled_at BIGINT, outcome TEXT, UNIQUE (platform, delivery)
)
---
CREATE INDEX inbox_open ON inbox (seq) WHERE handled_at IS NULL
---
CREATE TABLE message (
  id TEXT PRIMARY KEY, change_id TEXT, purpose TEXT NOT NULL, platform TEXT NOT NULL, place TEXT NOT NULL,
  reference TEXT NOT NULL, rendered_version BIGINT NOT NULL, rendered_sha256 {blob}, updated_at BIGINT NOT NULL,
  UNIQUE (platform, place, purpose)
)
---
CREATE INDEX message_change ON message (change_id)
---
CREATE TABLE session (
  id_sha256 {blob} PRIMARY KEY, person TEXT NOT NULL, csrf TEXT NOT NULL, created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL, auth_at BIGINT NOT NULL
)
---
CREATE TABLE api_token (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, source TEXT, person TEXT, sha256 {blob} NOT NULL UNIQUE,
  created_at BIGINT NOT NULL, revoked_at BIGINT
)
---
CREATE TABLE catalog_version (seq {seq}, digest {blob} NOT NULL, applied_at BIGINT NOT NULL, actor TEXT NOT NULL, body TEXT NOT NULL)
---
CREATE INDEX catalog_digest ON catalog_version (digest)
---
CREATE TABLE live_route (
  workflow TEXT PRIMARY KEY, route TEXT NOT NULL, generation BIGINT NOT NULL, change_number BIGINT, at BIGINT NOT NULL
)
---
CREATE TABLE shadow_run (
  id TEXT PRIMARY KEY, change_id TEXT NOT NULL, revision INTEGER NOT NULL, plan_sha256 {blob} NOT NULL, plan TEXT NOT NULL,
  state TEXT NOT NULL, total INTEGER NOT NULL, done INTEGER NOT NULL, spent_usd TEXT NOT NULL, started_at BIGINT NOT NULL,
  finished_at BIGINT, report TEXT, report_sha256 {blob}
)
---
CREATE INDEX shadow_run_change ON shadow_run (change_id)
---
CREATE TABLE shadow_answer (
  run_id TEXT NOT NULL, trace_id TEXT NOT NULL, arm TEXT NOT NULL, at BIGINT NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY (run_id, trace_id, arm)
)
---
CREATE TABLE packet (
  sha256 {blob} PRIMARY KEY, change_id TEXT NOT NULL, revision INTEGER NOT NULL, envelope TEXT NOT NULL, created_at BIGINT NOT NULL
)
---
CREATE TABLE decision (sha256 {blob} PRIMARY KEY, change_id TEXT NOT NULL, phase TEXT NOT NULL, body TEXT NOT NULL, at BIGINT NOT NULL)";

const POSTGRES_ONLY: &str = "
CREATE SEQUENCE change_number
---
ALTER TABLE job SET (autovacuum_vacuum_scale_factor = 0.01)
---
ALTER TABLE ledger_pending SET (autovacuum_vacuum_scale_factor = 0.01)
---
CREATE FUNCTION event_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'events are append-only'; END $$
---
CREATE TRIGGER event_append_only BEFORE UPDATE OR DELETE ON event FOR EACH ROW EXECUTE FUNCTION event_is_append_only()";

const SQLITE_ONLY: &str = "
CREATE TRIGGER event_no_update BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'events are append-only'); END
---
CREATE TRIGGER event_no_delete BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'events are append-only'); END";

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, TABLES).await?;
        let own = if dialect::is_postgres(manager) {
            POSTGRES_ONLY
        } else {
            SQLITE_ONLY
        };
        dialect::run(manager, own).await
    }
}

//! Calls, what finds and merges them, their content, rejects, and hourly sums.

use sea_orm_migration::prelude::*;

use crate::dialect;

/// The columns of a call. Times are microseconds UTC on SQLite. Money is exact: NUMERIC, or decimal text on SQLite.
const CALL: &str = "
CREATE TABLE call (
  id {uuid} NOT NULL, started_at {time} NOT NULL, source TEXT NOT NULL, record_id TEXT NOT NULL,
  call_group_id TEXT, response_id TEXT, trace_id TEXT, span_id TEXT,
  ended_at {time}, latency_ms {real}, ttft_ms {real}, stream {flag},
  workflow TEXT, mapping_rule TEXT, team TEXT, requested_alias TEXT, route_model TEXT, response_model TEXT,
  provider TEXT, deployment_id TEXT, region TEXT, status TEXT NOT NULL, error_class TEXT,
  input_tokens {int}, cached_input_tokens {int}, cache_write_tokens {int}, output_tokens {int}, reasoning_tokens {int},
  cost_usd {money}, cost_reported_usd {money}, cost_source TEXT, price_version TEXT,
  is_shadow {flag} NOT NULL, is_internal {flag} NOT NULL, end_user TEXT, tags TEXT NOT NULL, findings TEXT NOT NULL,
  cache_hit {flag}, finish_reason TEXT, tokens_source TEXT, beside TEXT NOT NULL,
  PRIMARY KEY {key}
) {options}";

/// Everything beside the calls. `k` is a text's digest in an hour (`call_key`) or alone (`span_note`).
const REST: &str = "
CREATE INDEX call_workflow ON call (workflow, id)
---
CREATE TABLE call_key (k {int} NOT NULL, id {uuid} NOT NULL, PRIMARY KEY (k, id)) {small}
---
CREATE TABLE call_part (part {uuid} NOT NULL PRIMARY KEY, id {uuid} NOT NULL) {small}
---
CREATE TABLE span_note (
  k {int} NOT NULL, span {int} NOT NULL, note TEXT NOT NULL, seen_at {time} NOT NULL, PRIMARY KEY (k, span)
) {small}
---
CREATE TABLE call_content (id {uuid} NOT NULL PRIMARY KEY, at {time} NOT NULL, body {blob} NOT NULL) {small}
---
CREATE INDEX call_content_at ON call_content (at)
---
CREATE TABLE call_reject (
  id {uuid} NOT NULL PRIMARY KEY, at {time} NOT NULL, source TEXT NOT NULL, place TEXT NOT NULL, reason TEXT NOT NULL,
  body {blob} NOT NULL
) {small}
---
CREATE TABLE rollup_delta (
  seq {seq}, hour {time} NOT NULL, workflow TEXT NOT NULL, model TEXT NOT NULL, provider TEXT NOT NULL, kind TEXT NOT NULL,
  {sums}
)
---
CREATE TABLE call_rollup (
  hour {time} NOT NULL, workflow TEXT NOT NULL, model TEXT NOT NULL, provider TEXT NOT NULL, kind TEXT NOT NULL,
  {sums},
  PRIMARY KEY (hour, workflow, model, provider, kind)
) {small}";

/// Counts, then quantity and cost of each meter, then the totals.
const SUMS: &str = "calls {int} NOT NULL, failures {int} NOT NULL, blocked {int} NOT NULL, cache_hits {int} NOT NULL,
  unpriced {int} NOT NULL,
  input_tokens {int} NOT NULL, input_cost {money} NOT NULL, cache_read_tokens {int} NOT NULL, cache_read_cost {money} NOT NULL,
  cache_write_tokens {int} NOT NULL, cache_write_cost {money} NOT NULL, output_tokens {int} NOT NULL,
  output_cost {money} NOT NULL, reasoning_tokens {int} NOT NULL, reasoning_cost {money} NOT NULL,
  cost_usd {money} NOT NULL, cost_reported_usd {money} NOT NULL";

/// The migration.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let postgres = dialect::is_postgres(manager);
        let words: [(&str, &str, &str); 10] = [
            ("{sums}", SUMS, SUMS),
            ("{uuid}", "UUID", "BLOB"),
            ("{time}", "TIMESTAMPTZ", "INTEGER"),
            ("{int}", "BIGINT", "INTEGER"),
            ("{flag}", "BOOLEAN", "INTEGER"),
            ("{real}", "DOUBLE PRECISION", "REAL"),
            ("{money}", "NUMERIC", "TEXT"),
            ("{key}", "(id, started_at)", "(id)"),
            (
                "{options}",
                "PARTITION BY RANGE (started_at)",
                "STRICT, WITHOUT ROWID",
            ),
            ("{small}", "", "STRICT, WITHOUT ROWID"),
        ];
        let mut sql = format!("{CALL}\n---{REST}");
        if postgres {
            // Days get partitions of their own as time goes by; what is older than those lands here.
            sql.push_str("\n---\nCREATE TABLE call_late PARTITION OF call DEFAULT");
        }
        for (word, on_postgres, on_sqlite) in words {
            sql = sql.replace(word, if postgres { on_postgres } else { on_sqlite });
        }
        dialect::run(manager, &sql).await
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration(
            "calls are not migrated backwards; restore a backup".to_owned(),
        ))
    }
}

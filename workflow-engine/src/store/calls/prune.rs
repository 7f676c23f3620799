//! Forgetting: rows, content, spans and keys that are kept no longer.

use chrono::{DateTime, TimeDelta, Utc};

use super::sql::{Conn, Value};
use super::{Retention, keys, partitions};
use crate::store::error::StoreError;
use crate::usage::call::CallId;

/// How long a call may wait for a span above it to name its workflow; its content is dropped then.
const LEARNS: TimeDelta = TimeDelta::minutes(15);

pub(super) async fn prune(conn: &mut Conn, now: DateTime<Utc>, keep: Retention) -> Result<(), StoreError> {
    let time = |ago: TimeDelta| Value::Time(Some(now - ago));
    let first = |ago: TimeDelta| Value::Id(Some(CallId::first_at(now - ago).0));
    conn.execute("DELETE FROM span_note WHERE seen_at < ?", &[time(keep.spans)])
        .await?;
    conn.execute("DELETE FROM call_content WHERE at < ?", &[time(keep.content)])
        .await?;
    conn.execute(
        "DELETE FROM call_content WHERE at < ? AND id IN (SELECT id FROM call WHERE workflow IS NULL AND id >= ?)",
        &[time(LEARNS), first(TimeDelta::days(2))],
    )
    .await?;
    conn.execute("DELETE FROM call_reject WHERE id < ?", &[first(keep.content)])
        .await?;
    let oldest = keys::first_of(now - keep.calls);
    conn.execute("DELETE FROM call_key WHERE k < ?", &[Value::Whole(Some(oldest))])
        .await?;
    conn.execute("DELETE FROM call_part WHERE part < ?", &[first(keep.calls)])
        .await?;
    partitions::drop_before(conn, now - keep.calls).await?;
    // On PostgreSQL the days have gone as a whole; this takes what came late.
    conn.execute("DELETE FROM call WHERE id < ?", &[first(keep.calls)])
        .await?;
    Ok(())
}

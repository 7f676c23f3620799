//! Day partitions on PostgreSQL: there before the first call of the day comes.

use chrono::{DateTime, Days, NaiveDate, Utc};

use super::sql::{Conn, Kind, Reader};
use crate::store::error::StoreError;

/// Days back that have partitions of their own; what is older lies in `call_late`.
const BACK: u64 = 35;
/// Days ahead.
const AHEAD: u64 = 3;

/// Makes the partitions that are missing around `now`, in the transaction that is open on `conn`.
pub(super) async fn ensure(conn: &mut Conn, now: DateTime<Utc>) -> Result<(), StoreError> {
    if let Conn::Sqlite(_) = conn {
        return Ok(());
    }
    // One replica makes them; the others find them made.
    conn.run("SELECT pg_advisory_xact_lock(72177102)").await?;
    let sql = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'call'::regclass";
    let rows = conn.fetch(sql, &[], &[Kind::Text]).await?;
    let there: Vec<String> = rows
        .into_iter()
        .filter_map(|row| Reader::of(row).text())
        .collect();
    let today = now.date_naive();
    for offset in 0..=BACK + AHEAD {
        let Some(day) = today
            .checked_sub_days(Days::new(BACK))
            .and_then(|day| day.checked_add_days(Days::new(offset)))
        else {
            continue;
        };
        if !there.contains(&name(day)) {
            make(conn, day).await?;
        }
    }
    Ok(())
}

fn name(day: NaiveDate) -> String {
    format!("call_{}", day.format("%Y%m%d"))
}

/// Makes one day's partition and moves there what came before it existed.
async fn make(conn: &mut Conn, day: NaiveDate) -> Result<(), StoreError> {
    let Some(next) = day.succ_opt() else { return Ok(()) };
    let table = name(day);
    let bounds = format!("started_at >= '{day} 00:00:00+00' AND started_at < '{next} 00:00:00+00'");
    conn.run(&format!(
        "CREATE TABLE {table} (LIKE call INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"
    ))
    .await?;
    conn.run(&format!(
        "WITH moved AS (DELETE FROM call_late WHERE {bounds} RETURNING *) INSERT INTO {table} SELECT * FROM moved"
    ))
    .await?;
    conn.run(&format!(
        "ALTER TABLE call ATTACH PARTITION {table} FOR VALUES FROM ('{day} 00:00:00+00') TO ('{next} 00:00:00+00')"
    ))
    .await
}

/// Drops the days that end before `until`.
pub(super) async fn drop_before(conn: &mut Conn, until: DateTime<Utc>) -> Result<(), StoreError> {
    if let Conn::Sqlite(_) = conn {
        return Ok(());
    }
    let sql = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'call'::regclass";
    let rows = conn.fetch(sql, &[], &[Kind::Text]).await?;
    for table in rows.into_iter().filter_map(|row| Reader::of(row).text()) {
        let day = table
            .strip_prefix("call_")
            .and_then(|day| NaiveDate::parse_from_str(day, "%Y%m%d").ok());
        if day.is_some_and(|day| day < until.date_naive()) {
            conn.run(&format!("DROP TABLE {table}")).await?;
        }
    }
    Ok(())
}

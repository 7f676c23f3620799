//! Entries of the ledger that belong to no change: appended like events, waiting to be sealed like events.

use sea_orm::{ConnectionTrait, DatabaseTransaction, QueryResult};

use super::{
    super::error::StoreError,
    read::{all, one},
    write,
};
use crate::{ledger::notice::STREAM, values::Digest};

/// A stored entry.
#[derive(Clone, Debug)]
pub struct NoticeRow {
    /// Its number within the stream.
    pub n: i32,
    /// Its place in the ledger, once it has one.
    pub index: Option<u64>,
    /// Its bytes.
    pub body: Vec<u8>,
}

/// An entry on its way in.
#[derive(Clone, Debug)]
pub struct Appended {
    /// Its word.
    pub kind: &'static str,
    /// Who.
    pub actor: String,
    /// When, milliseconds UTC.
    pub at: i64,
    /// Its bytes.
    pub body: Vec<u8>,
    /// Hash of the one before it and its bytes.
    pub hash: Digest,
}

/// Appends an entry: `make` gets its number and the hash of the one before it.
///
/// # Errors
/// [`StoreError::Duplicate`] when another was appended at the same moment: the whole unit is then to be tried again.
pub async fn append(
    tx: &DatabaseTransaction,
    make: impl FnOnce(i32, Digest) -> Result<Appended, StoreError>,
) -> Result<i32, StoreError> {
    let sql = "SELECT n, hash FROM event WHERE change_id = $1 ORDER BY n DESC LIMIT 1";
    let (n, before) = match one(tx, sql, vec![STREAM.into()]).await? {
        Some(row) => (
            row.try_get::<i32>("", "n")?,
            super::super::changes::digest(row.try_get("", "hash")?)?,
        ),
        None => (0, Digest([0; 32])),
    };
    let n = n + 1;
    let entry = make(n, before)?;
    let sql = "INSERT INTO event (change_id, n, kind, actor, command_key, at, body, prev_hash, hash)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING seq";
    let values = vec![
        STREAM.into(),
        n.into(),
        entry.kind.into(),
        entry.actor.into(),
        format!("{STREAM}:{n}").into(),
        entry.at.into(),
        entry.body.into(),
        before.0.to_vec().into(),
        entry.hash.0.to_vec().into(),
    ];
    let row = one(tx, sql, values).await?;
    let row = row.ok_or_else(|| StoreError::Corrupt("an inserted event has no row".to_owned()))?;
    let seq: i64 = row.try_get("", "seq")?;
    let sql = "INSERT INTO ledger_pending (event_seq, change_id, n, at) VALUES ($1, $2, $3, $4)";
    write::execute(
        tx,
        sql,
        vec![seq.into(), STREAM.into(), n.into(), entry.at.into()],
    )
    .await?;
    Ok(n)
}

/// Entries of one kind, oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn of_kind(conn: &impl ConnectionTrait, kind: &str) -> Result<Vec<NoticeRow>, StoreError> {
    let sql = "SELECT e.n, e.body, l.pos FROM event e LEFT JOIN ledger l ON l.event_seq = e.seq
               WHERE e.change_id = $1 AND e.kind = $2 ORDER BY e.n";
    let rows = all(conn, sql, vec![STREAM.into(), kind.into()]).await?;
    rows.iter().map(notice).collect()
}

/// Where the entry of that number is sealed.
///
/// # Errors
/// When the database does not answer.
pub async fn place(conn: &impl ConnectionTrait, n: i32) -> Result<Option<u64>, StoreError> {
    let sql =
        "SELECT l.pos FROM event e JOIN ledger l ON l.event_seq = e.seq WHERE e.change_id = $1 AND e.n = $2";
    let row = one(conn, sql, vec![STREAM.into(), n.into()]).await?;
    let pos: Option<i64> = row.map(|row| row.try_get("", "pos")).transpose()?;
    Ok(pos.map(i64::unsigned_abs))
}

/// The newest entries, newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn newest(conn: &impl ConnectionTrait, limit: u32) -> Result<Vec<NoticeRow>, StoreError> {
    let sql = "SELECT e.n, e.body, l.pos FROM event e LEFT JOIN ledger l ON l.event_seq = e.seq
               WHERE e.change_id = $1 ORDER BY e.n DESC LIMIT $2";
    let rows = all(conn, sql, vec![STREAM.into(), i64::from(limit).into()]).await?;
    rows.iter().map(notice).collect()
}

fn notice(row: &QueryResult) -> Result<NoticeRow, StoreError> {
    let index: Option<i64> = row.try_get("", "pos")?;
    Ok(NoticeRow {
        n: row.try_get("", "n")?,
        index: index.map(i64::unsigned_abs),
        body: row.try_get("", "body")?,
    })
}

//! Looks into the ledger's tables; every function takes a connection or an open transaction.

use std::collections::{HashMap, hash_map::Entry};

use sea_orm::{ConnectionTrait, QueryResult, Statement, Value};

use super::super::{db::Db, error::StoreError, statement::Text};
use crate::ledger::{
    merkle::{Hash, Head, Plan, empty_root},
    tiles::{Kind, Tile},
};

/// An event that waits for the sealer.
#[derive(Clone, Debug)]
pub struct PendingRow {
    /// Its row.
    pub seq: i64,
    /// Its change.
    pub change_id: String,
    /// Its number within the change.
    pub n: i32,
    /// When it happened, milliseconds UTC.
    pub at: i64,
    /// Its bytes; none if the event is gone.
    pub body: Option<Vec<u8>>,
}

/// A sealed event as the ledger keeps it.
#[derive(Clone, Debug)]
pub struct EntryRow {
    /// Its place.
    pub pos: i64,
    /// Its event's row.
    pub seq: i64,
    /// Digest of the entry.
    pub leaf: Vec<u8>,
    /// Running digest over all leaves so far.
    pub chain: Vec<u8>,
    /// The event itself; none if it is gone.
    pub event: Option<SealedEvent>,
}

/// What is stored of an event.
#[derive(Clone, Debug)]
pub struct SealedEvent {
    /// Its change.
    pub change_id: String,
    /// Its number within the change.
    pub n: i32,
    /// Its word, as the column beside the bytes has it.
    pub kind: String,
    /// Who, as the column has it.
    pub actor: String,
    /// When, milliseconds UTC, as the column has it.
    pub at: i64,
    /// Its bytes: the entry of the ledger.
    pub body: Vec<u8>,
    /// Hash of the event before it.
    pub prev_hash: Vec<u8>,
    /// Its own hash.
    pub hash: Vec<u8>,
}

/// A head, signed or not yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointRow {
    /// The head.
    pub head: Head,
    /// The root of the head before it.
    pub prev_root: Option<Vec<u8>>,
    /// The signed note.
    pub note: Option<String>,
}

/// How far the ledger is sealed.
///
/// # Errors
/// When the database does not answer, or the row is gone or unreadable.
pub async fn head(conn: &impl ConnectionTrait) -> Result<Head, StoreError> {
    let row = one(conn, "SELECT size, root FROM ledger_head WHERE id = 1", vec![]).await?;
    let row = row.ok_or_else(|| StoreError::Corrupt("table ledger_head has no row".to_owned()))?;
    Ok(Head {
        size: size(&row)?,
        root: hash(&row, "root")?,
    })
}

/// The verifier key of the log that seals here; none before the first seal.
///
/// # Errors
/// When the database does not answer.
pub async fn log_key(conn: &impl ConnectionTrait) -> Result<Option<String>, StoreError> {
    let row = one(conn, "SELECT vkey FROM ledger_head WHERE id = 1", vec![]).await?;
    Ok(row.map(|row| row.try_get("", "vkey")).transpose()?.flatten())
}

/// Whether events wait, or heads without a signature. Every replica asks once a second: a single statement, so that no
/// connection goes through the pool and its guard for it.
///
/// # Errors
/// When the database does not answer.
pub async fn anything_to_do(db: &Db) -> Result<bool, StoreError> {
    const LOOK: Text = Text::same(
        "SELECT 1 AS one WHERE EXISTS (SELECT 1 FROM ledger_pending)
           OR EXISTS (SELECT 1 FROM checkpoint WHERE signature IS NULL)",
    );
    Ok(!db.look(LOOK, Vec::new()).await?.is_empty())
}

/// The oldest events that wait, by their rows.
///
/// # Errors
/// When the database does not answer.
pub async fn pending(conn: &impl ConnectionTrait, limit: u32) -> Result<Vec<PendingRow>, StoreError> {
    let sql = "SELECT p.event_seq, p.change_id, p.n, p.at, e.body FROM ledger_pending p
               LEFT JOIN event e ON e.seq = p.event_seq ORDER BY p.event_seq LIMIT $1";
    let rows = all(conn, sql, vec![i64::from(limit).into()]).await?;
    let read = |row: &QueryResult| {
        Ok(PendingRow {
            seq: row.try_get("", "event_seq")?,
            change_id: row.try_get("", "change_id")?,
            n: row.try_get("", "n")?,
            at: row.try_get("", "at")?,
            body: row.try_get("", "body")?,
        })
    };
    rows.iter().map(read).collect()
}

/// The sealed events from place `from`, at most `limit`, each with its event.
///
/// # Errors
/// When the database does not answer.
pub async fn entries(
    conn: &impl ConnectionTrait,
    from: u64,
    limit: u32,
) -> Result<Vec<EntryRow>, StoreError> {
    let sql = "SELECT l.pos, l.event_seq, l.leaf, l.chain, e.change_id, e.n, e.kind, e.actor, e.at, e.body, e.prev_hash, e.hash FROM ledger l
               LEFT JOIN event e ON e.seq = l.event_seq WHERE l.pos >= $1 ORDER BY l.pos LIMIT $2";
    let rows = all(conn, sql, vec![place(from)?.into(), i64::from(limit).into()]).await?;
    let read = |row: &QueryResult| {
        let gone = row.try_get::<Option<String>>("", "change_id")?.is_none();
        let event = if gone { None } else { Some(event(row)?) };
        Ok(EntryRow {
            pos: row.try_get("", "pos")?,
            seq: row.try_get("", "event_seq")?,
            leaf: row.try_get("", "leaf")?,
            chain: row.try_get("", "chain")?,
            event,
        })
    };
    rows.iter().map(read).collect()
}

/// The events that are committed and not sealed, after row `after`, each with whether it waits to be.
///
/// # Errors
/// When the database does not answer.
pub async fn unsealed(
    conn: &impl ConnectionTrait,
    after: i64,
    limit: u32,
) -> Result<Vec<(i64, SealedEvent, bool)>, StoreError> {
    let sql = "SELECT e.seq, e.change_id, e.n, e.kind, e.actor, e.at, e.body, e.prev_hash, e.hash, p.event_seq AS waits
               FROM event e LEFT JOIN ledger l ON l.event_seq = e.seq LEFT JOIN ledger_pending p ON p.event_seq = e.seq
               WHERE l.pos IS NULL AND e.seq > $1 ORDER BY e.seq LIMIT $2";
    let rows = all(conn, sql, vec![after.into(), i64::from(limit).into()]).await?;
    let read = |row: &QueryResult| {
        let waits = row.try_get::<Option<i64>>("", "waits")?.is_some();
        Ok((row.try_get("", "seq")?, event(row)?, waits))
    };
    rows.iter().map(read).collect()
}

/// The places of a change's sealed events of one kind, in their order.
///
/// # Errors
/// When the database does not answer.
pub async fn places(
    conn: &impl ConnectionTrait,
    change_id: &str,
    kind: &str,
) -> Result<Vec<u64>, StoreError> {
    let sql = "SELECT l.pos FROM event e JOIN ledger l ON l.event_seq = e.seq
               WHERE e.change_id = $1 AND e.kind = $2 ORDER BY e.n";
    let rows = all(conn, sql, vec![change_id.into(), kind.into()]).await?;
    rows.iter()
        .map(|row| Ok(row.try_get::<i64>("", "pos")?.unsigned_abs()))
        .collect()
}

/// The running digest at the last sealed event; zeros before the first.
///
/// # Errors
/// When the database does not answer, or the row is gone.
pub async fn chain(conn: &impl ConnectionTrait, size: u64) -> Result<Hash, StoreError> {
    let Some(last) = size.checked_sub(1) else {
        return Ok([0; 32]);
    };
    let row = one(
        conn,
        "SELECT chain FROM ledger WHERE pos = $1",
        vec![place(last)?.into()],
    )
    .await?;
    let row = row.ok_or_else(|| StoreError::Corrupt(format!("ledger row #{last} is gone")))?;
    hash(&row, "chain")
}

/// The stored bytes of a tile; they may be wider than the tile asked for.
///
/// # Errors
/// When the database does not answer.
pub async fn tile(conn: &impl ConnectionTrait, tile: Tile) -> Result<Option<Vec<u8>>, StoreError> {
    let Kind::Hashes(level) = tile.kind else {
        return Ok(None);
    };
    let sql = "SELECT bytes FROM ledger_tile WHERE level = $1 AND n = $2";
    let row = one(
        conn,
        sql,
        vec![i32::from(level).into(), place(tile.index)?.into()],
    )
    .await?;
    Ok(row.map(|row| row.try_get("", "bytes")).transpose()?)
}

/// The digests of a plan over the tree of `size` leaves, from the stored tiles.
///
/// # Errors
/// When the database does not answer, or a tile is gone or too short.
pub async fn digests(conn: &impl ConnectionTrait, plan: &Plan, size: u64) -> Result<Vec<Hash>, StoreError> {
    let mut stored: HashMap<Tile, Vec<u8>> = HashMap::new();
    for node in plan.nodes() {
        let wanted = Tile::holding(node, size);
        if let Entry::Vacant(free) = stored.entry(wanted)
            && let Some(bytes) = tile(conn, wanted).await?
        {
            free.insert(bytes);
        }
    }
    plan.fill(|node| {
        let wanted = Tile::holding(node, size);
        let digest = stored.get(&wanted).and_then(|bytes| Tile::node(bytes, node));
        digest
            .ok_or_else(|| StoreError::Corrupt(format!("{wanted} of the ledger's tree is gone or too short")))
    })
}

/// The root over the first `size` entries, from the stored tiles.
///
/// # Errors
/// As [`digests`].
pub async fn root(conn: &impl ConnectionTrait, size: u64) -> Result<Hash, StoreError> {
    let root = digests(conn, &Plan::root(size), size).await?;
    Ok(root.first().copied().unwrap_or_else(empty_root))
}

/// The head of exactly this size, if one was made.
///
/// # Errors
/// When the database does not answer.
pub async fn checkpoint(conn: &impl ConnectionTrait, size: u64) -> Result<Option<CheckpointRow>, StoreError> {
    let sql = "SELECT size, root, prev_root, signature FROM checkpoint WHERE size = $1";
    one(conn, sql, vec![place(size)?.into()])
        .await?
        .as_ref()
        .map(checkpoint_row)
        .transpose()
}

/// The newest signed head.
///
/// # Errors
/// When the database does not answer.
pub async fn newest_signed(conn: &impl ConnectionTrait) -> Result<Option<CheckpointRow>, StoreError> {
    let sql = "SELECT size, root, prev_root, signature FROM checkpoint WHERE signature IS NOT NULL
               ORDER BY size DESC LIMIT 1";
    one(conn, sql, vec![])
        .await?
        .as_ref()
        .map(checkpoint_row)
        .transpose()
}

/// Heads larger than `after`, smallest first, at most `limit`.
///
/// # Errors
/// When the database does not answer.
pub async fn checkpoints(
    conn: &impl ConnectionTrait,
    after: Option<u64>,
    limit: u32,
) -> Result<Vec<CheckpointRow>, StoreError> {
    let sql =
        "SELECT size, root, prev_root, signature FROM checkpoint WHERE size > $1 ORDER BY size LIMIT $2";
    let after = after.map_or(Ok(-1), place)?;
    let rows = all(conn, sql, vec![after.into(), i64::from(limit).into()]).await?;
    rows.iter().map(checkpoint_row).collect()
}

/// Heads that were committed and not signed yet, smallest first.
///
/// # Errors
/// When the database does not answer.
pub async fn unsigned(conn: &impl ConnectionTrait) -> Result<Vec<CheckpointRow>, StoreError> {
    let sql = "SELECT size, root, prev_root, signature FROM checkpoint WHERE signature IS NULL ORDER BY size";
    all(conn, sql, vec![]).await?.iter().map(checkpoint_row).collect()
}

pub(crate) async fn one(
    conn: &impl ConnectionTrait,
    sql: &str,
    values: Vec<Value>,
) -> Result<Option<QueryResult>, StoreError> {
    let statement = Statement::from_sql_and_values(conn.get_database_backend(), sql, values);
    Ok(conn.query_one_raw(statement).await?)
}

pub(crate) async fn all(
    conn: &impl ConnectionTrait,
    sql: &str,
    values: Vec<Value>,
) -> Result<Vec<QueryResult>, StoreError> {
    let statement = Statement::from_sql_and_values(conn.get_database_backend(), sql, values);
    Ok(conn.query_all_raw(statement).await?)
}

/// A place or size as the column's type; places beyond 2⁶³ do not occur.
pub(super) fn place(number: u64) -> Result<i64, StoreError> {
    i64::try_from(number).map_err(|_| StoreError::Refused(format!("#{number} is beyond any ledger")))
}

fn event(row: &QueryResult) -> Result<SealedEvent, StoreError> {
    Ok(SealedEvent {
        change_id: row.try_get("", "change_id")?,
        n: row.try_get("", "n")?,
        kind: row.try_get("", "kind")?,
        actor: row.try_get("", "actor")?,
        at: row.try_get("", "at")?,
        body: row.try_get("", "body")?,
        prev_hash: row.try_get("", "prev_hash")?,
        hash: row.try_get("", "hash")?,
    })
}

pub(super) fn checkpoint_row(row: &QueryResult) -> Result<CheckpointRow, StoreError> {
    Ok(CheckpointRow {
        head: Head {
            size: size(row)?,
            root: hash(row, "root")?,
        },
        prev_root: row.try_get("", "prev_root")?,
        note: row.try_get("", "signature")?,
    })
}

fn size(row: &QueryResult) -> Result<u64, StoreError> {
    let size: i64 = row.try_get("", "size")?;
    u64::try_from(size).map_err(|_| StoreError::Corrupt(format!("a ledger cannot have {size} entries")))
}

fn hash(row: &QueryResult, column: &str) -> Result<Hash, StoreError> {
    let bytes: Vec<u8> = row.try_get("", column)?;
    Hash::try_from(bytes)
        .map_err(|_| StoreError::Corrupt(format!("column {column} of the ledger is not 32 bytes")))
}

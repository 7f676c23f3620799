//! Writes a batch of sealed events in one transaction, and signatures on committed heads.

use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement, Value};

use super::{
    super::{error::StoreError, singleton::Fence},
    read::place,
};
use crate::ledger::{
    merkle::{Hash, Head},
    tiles::{Kind, Tile},
};

/// Rows in one INSERT. Powers of four keep the number of distinct statements, which each connection caches, small.
const CHUNKS: [usize; 5] = [256, 64, 16, 4, 1];

/// A sealed event.
#[derive(Clone, Debug)]
pub struct LedgerRow {
    /// Its place.
    pub pos: u64,
    /// Its event's row.
    pub seq: i64,
    /// Digest of the entry.
    pub leaf: Hash,
    /// Running digest over all leaves so far.
    pub chain: Hash,
}

/// A batch: from one head to the next.
#[derive(Clone, Debug)]
pub struct Seal {
    /// The head it starts from.
    pub old: Head,
    /// The head it makes.
    pub new: Head,
    /// The events, in their places.
    pub rows: Vec<LedgerRow>,
    /// The tiles that changed.
    pub tiles: Vec<(Tile, Vec<u8>)>,
    /// When, milliseconds UTC.
    pub at: i64,
    /// The verifier key of the log.
    pub vkey: String,
}

/// Moves the head, by compare-and-swap and only while `fence` is the newest claim, and writes the rows and tiles of the
/// batch and the head, not yet signed.
///
/// # Errors
/// [`StoreError::Contended`] when another sealer was here; the transaction must then be given up.
pub async fn seal(tx: &DatabaseTransaction, batch: &Seal, fence: Fence) -> Result<(), StoreError> {
    let moved = execute(
        tx,
        "UPDATE ledger_head SET size = $1, root = $2, vkey = $3 WHERE id = 1 AND size = $4 AND root = $5
           AND EXISTS (SELECT 1 FROM singleton WHERE name = $6 AND token = $7)",
        vec![
            place(batch.new.size)?.into(),
            batch.new.root.to_vec().into(),
            batch.vkey.as_str().into(),
            place(batch.old.size)?.into(),
            batch.old.root.to_vec().into(),
            fence.name.into(),
            fence.token.into(),
        ],
    )
    .await?;
    if moved != 1 {
        return Err(StoreError::Contended);
    }
    insert_rows(tx, &batch.rows).await?;
    let range = vec![place(batch.old.size)?.into(), place(batch.new.size)?.into()];
    let waiting = "DELETE FROM ledger_pending WHERE event_seq IN
                     (SELECT event_seq FROM ledger WHERE pos >= $1 AND pos < $2)";
    if execute(tx, waiting, range).await? != batch.rows.len() as u64 {
        return Err(StoreError::Contended);
    }
    for (tile, bytes) in &batch.tiles {
        write_tile(tx, *tile, bytes).await?;
    }
    let prev_root = (batch.old.size > 0).then(|| batch.old.root.to_vec());
    let values = vec![
        place(batch.new.size)?.into(),
        batch.new.root.to_vec().into(),
        prev_root.into(),
        batch.at.into(),
    ];
    execute(
        tx,
        "INSERT INTO checkpoint (size, root, prev_root, at) VALUES ($1, $2, $3, $4)",
        values,
    )
    .await?;
    Ok(())
}

/// Keeps the signature of a committed head; a head that has one keeps the one it has.
///
/// # Errors
/// When the database does not answer.
pub async fn sign(tx: &DatabaseTransaction, head: Head, note: &str) -> Result<(), StoreError> {
    let sql = "UPDATE checkpoint SET signature = $3 WHERE size = $1 AND root = $2 AND signature IS NULL";
    execute(
        tx,
        sql,
        vec![place(head.size)?.into(), head.root.to_vec().into(), note.into()],
    )
    .await?;
    Ok(())
}

async fn insert_rows(tx: &DatabaseTransaction, mut rows: &[LedgerRow]) -> Result<(), StoreError> {
    for chunk in CHUNKS {
        while rows.len() >= chunk {
            let (now, later) = rows.split_at(chunk);
            rows = later;
            let marks: Vec<String> = (0..chunk)
                .map(|at| {
                    format!(
                        "(${}, ${}, ${}, ${})",
                        at * 4 + 1,
                        at * 4 + 2,
                        at * 4 + 3,
                        at * 4 + 4
                    )
                })
                .collect();
            let sql = format!(
                "INSERT INTO ledger (pos, event_seq, leaf, chain) VALUES {}",
                marks.join(", ")
            );
            let mut values: Vec<Value> = Vec::with_capacity(chunk * 4);
            for row in now {
                values.extend([
                    place(row.pos)?.into(),
                    row.seq.into(),
                    row.leaf.to_vec().into(),
                    row.chain.to_vec().into(),
                ]);
            }
            execute(tx, &sql, values).await?;
        }
    }
    Ok(())
}

async fn write_tile(tx: &DatabaseTransaction, tile: Tile, bytes: &[u8]) -> Result<(), StoreError> {
    let Kind::Hashes(level) = tile.kind else {
        return Ok(());
    };
    execute(
        tx,
        "INSERT INTO ledger_tile (level, n, width, bytes) VALUES ($1, $2, $3, $4)
         ON CONFLICT (level, n) DO UPDATE SET width = excluded.width, bytes = excluded.bytes",
        vec![
            i32::from(level).into(),
            place(tile.index)?.into(),
            i32::from(tile.width).into(),
            bytes.to_vec().into(),
        ],
    )
    .await
    .map(drop)
}

pub(super) async fn execute(
    tx: &DatabaseTransaction,
    sql: &str,
    values: Vec<Value>,
) -> Result<u64, StoreError> {
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
    Ok(tx.execute_raw(statement).await?.rows_affected())
}

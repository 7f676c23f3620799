//! The sealer: takes committed events into the ledger's tree in order, and signs each head once.
//!
//! One replica seals at a time (the `singleton` row), yet nothing depends on that: the head moves by compare-and-swap,
//! a place is taken once, and a claim that a later one has voided moves nothing. The head is committed first and
//! signed afterwards, so there are never two signed heads of one size; a crash between leaves an unsigned head, which
//! the next seal signs.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::DatabaseTransaction;
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use super::keyring::{self, Keyring};
use crate::{
    ledger::{
        key::SigningKey,
        merkle::{Hash, Head, leaf_hash},
        note::{Checkpoint, SignedCheckpoint},
        tiles::{Edge, MAX_ENTRY, Tile},
    },
    ports::clock::Clock,
    store::{
        db::Db,
        error::StoreError,
        ledger::{read, read::PendingRow, write},
        singleton::{self, Fence},
    },
};

/// Most events in one batch.
const BATCH: u32 = 2_000;
/// How long a sealer that fell silent keeps the work from others.
const LEASE: TimeDelta = TimeDelta::seconds(10);

/// Why nothing was sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Signing would put our name under somebody else's change.
    #[error("the ledger is not as it was signed: {0}; nothing more is sealed; run `governor ledger verify`")]
    Tampered(String),
    /// The key is not the one this ledger began with.
    #[error(
        "this ledger is signed by {ledger}, but this process has {ours}; give every replica the same ledger key \
         (ledger.key in the data directory, or ledger.signing_key)"
    )]
    OtherKey {
        /// The verifier key in the database.
        ledger: String,
        /// The verifier key of this process.
        ours: String,
    },
    /// An event does not fit a bundle of entries.
    #[error("event {seq} has {bytes} bytes, but an entry of the ledger may have at most {MAX_ENTRY}")]
    TooLong {
        /// The event's row.
        seq: i64,
        /// Its length.
        bytes: usize,
    },
}

/// What one round did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sealed {
    /// Entries before; 0, as all else, when nothing waited.
    pub from: u64,
    /// Entries after.
    pub to: u64,
    /// Heads that were signed, smallest first: to be posted to chat, the SIEM and witnesses.
    pub signed: Vec<SignedCheckpoint>,
    /// When the sealed events happened, milliseconds UTC, in their places: what the lag is measured by.
    pub happened: Vec<i64>,
    /// Whether something waits, but another replica seals.
    pub standby: bool,
}

/// A claim, and when it was renewed.
type Claim = (Fence, DateTime<Utc>);

/// Seals for one replica. Cheap to clone; clones share the claim.
#[derive(Clone, Debug)]
pub struct Sealer {
    db: Db,
    key: Arc<SigningKey>,
    holder: String,
    claim: Arc<Mutex<Option<Claim>>>,
}

impl Sealer {
    /// A sealer that signs with `key`; `holder` names this replica and must differ between replicas.
    #[must_use]
    pub fn new(db: Db, key: Arc<SigningKey>, holder: impl Into<String>) -> Self {
        Self {
            db,
            key,
            holder: holder.into(),
            claim: Arc::default(),
        }
    }

    /// Seals every `pace`, without a pause while there is more, and a last time after `stop`. `told` hears of every
    /// round that did or failed something, for metrics, witnesses and readiness. A failed round is tried again after
    /// a second.
    pub async fn run(
        &self,
        clock: &dyn Clock,
        pace: Duration,
        stop: CancellationToken,
        mut told: impl FnMut(&Result<Sealed, SealError>) + Send,
    ) {
        loop {
            let ending = stop.is_cancelled();
            let round = self.seal_once(clock.now()).await;
            let pause = match &round {
                Ok(sealed) if sealed.to - sealed.from >= u64::from(BATCH) => Duration::ZERO,
                // A little longer when nothing waited: an idle replica should be quiet.
                Ok(sealed) if *sealed == Sealed::default() => pace * 2,
                Ok(_) => pace,
                Err(error) => {
                    tracing::error!(%error, "the ledger was not sealed");
                    pace.max(Duration::from_secs(1))
                }
            };
            if !matches!(&round, Ok(sealed) if *sealed == Sealed::default()) {
                told(&round);
            }
            if ending && !pause.is_zero() {
                return;
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Signs what a crash left unsigned, then seals up to 2,000 waiting events and signs the new head.
    ///
    /// # Errors
    /// [`SealError::Tampered`] when what is stored does not agree with the last signed head: then nothing is signed.
    pub async fn seal_once(&self, now: DateTime<Utc>) -> Result<Sealed, SealError> {
        if !read::anything_to_do(&self.db).await? {
            return Ok(Sealed::default());
        }
        let Some(fence) = self.claim(now).await? else {
            return Ok(Sealed {
                standby: true,
                ..Sealed::default()
            });
        };
        self.own_key().await?;
        let mut signed = self.sign_committed().await?;
        let mut sealed = self.take(fence, now).await?;
        if sealed.to > sealed.from {
            signed.extend(self.sign_committed().await?);
        }
        sealed.signed = signed;
        Ok(sealed)
    }

    /// The claim on sealing, renewed in good time; a claim that was lost in between moves nothing.
    async fn claim(&self, now: DateTime<Utc>) -> Result<Option<Fence>, StoreError> {
        let held = *self.claim.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((fence, renewed)) = held
            && (TimeDelta::zero()..LEASE / 3).contains(&(now - renewed))
        {
            return Ok(Some(fence));
        }
        let fence = singleton::hold(&self.db, "sealer", &self.holder, now, LEASE).await?;
        *self.claim.lock().unwrap_or_else(PoisonError::into_inner) = fence.map(|fence| (fence, now));
        Ok(fence)
    }

    async fn own_key(&self) -> Result<(), SealError> {
        let ours = self.key.public().to_string();
        match read::log_key(self.db.reads()).await? {
            Some(ledger) if ledger != ours && !self.announced(&ledger).await? => {
                Err(SealError::OtherKey { ledger, ours })
            }
            _ => Ok(()),
        }
    }

    /// Whether the key that has signed so far has announced ours, under a head that it signed.
    async fn announced(&self, ledger: &str) -> Result<bool, SealError> {
        let conn = self.db.reads();
        let signed = read::newest_signed(conn).await?.map_or(0, |row| row.head.size);
        let ours = self.key.public();
        Ok(keyring::sealed(conn)
            .await?
            .iter()
            .any(|one| one.to == *ours && one.from.to_string() == ledger && one.index < signed))
    }

    /// Moves waiting events into the tree.
    async fn take(&self, fence: Fence, now: DateTime<Utc>) -> Result<Sealed, SealError> {
        let (key, at) = (Arc::clone(&self.key), now.timestamp_millis());
        let taken = self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    // A refusal to seal is an answer, not a failed unit; nothing was written by then.
                    match prepare(tx, &key, at).await {
                        Ok(Some((batch, happened))) => {
                            write::seal(tx, &batch, fence).await?;
                            let (from, to) = (batch.old.size, batch.new.size);
                            Ok(Ok(Sealed {
                                from,
                                to,
                                happened,
                                ..Sealed::default()
                            }))
                        }
                        Ok(None) => Ok(Ok(Sealed::default())),
                        Err(SealError::Store(error)) => Err(error),
                        Err(refusal) => Ok(Err(refusal)),
                    }
                })
            })
            .await;
        match taken {
            // Another sealer took the place or the claim in between: the next round claims anew and sees what it did.
            Err(StoreError::Contended | StoreError::Duplicate(_)) => {
                *self.claim.lock().unwrap_or_else(PoisonError::into_inner) = None;
                Ok(Sealed::default())
            }
            other => other?,
        }
    }

    /// Signs every committed head that has no signature yet.
    async fn sign_committed(&self) -> Result<Vec<SignedCheckpoint>, SealError> {
        let mut signed = Vec::new();
        for row in read::unsigned(self.db.reads()).await? {
            self.may_sign(row.head).await?;
            let note = Checkpoint::sign(row.head, &self.key);
            let text = note.to_text();
            self.db
                .write(move |tx| Box::pin(async move { write::sign(tx, row.head, &text).await }))
                .await?;
            signed.push(note);
        }
        Ok(signed)
    }

    /// Only a head that the stored tree leads to, and that goes on from the last signed one, gets our name.
    async fn may_sign(&self, head: Head) -> Result<(), SealError> {
        let conn = self.db.reads();
        if read::root(conn, head.size).await? != head.root {
            return Err(SealError::Tampered(format!(
                "the head of {} entries is not the tree's root",
                head.size
            )));
        }
        let Some(last) = read::newest_signed(conn).await? else {
            return Ok(());
        };
        let ring = Keyring::load(conn, self.key.public()).await?;
        let last = signed_head(&last, &ring)?;
        if last.size > head.size || read::root(conn, last.size).await? != last.root {
            return Err(SealError::Tampered(format!(
                "it no longer begins with the {} entries signed",
                last.size
            )));
        }
        Ok(())
    }
}

/// The batch to write, and when its events happened; none when nothing waits.
async fn prepare(
    tx: &DatabaseTransaction,
    key: &SigningKey,
    at: i64,
) -> Result<Option<(write::Seal, Vec<i64>)>, SealError> {
    let waiting = read::pending(tx, BATCH).await?;
    if waiting.is_empty() {
        return Ok(None);
    }
    let old = read::head(tx).await?;
    let mut edge = edge(tx, old).await?;
    agrees_with_checkpoint(tx, old, key).await?;
    let mut chain = read::chain(tx, old.size).await?;
    let (mut rows, mut leaves, mut happened) = (Vec::new(), Vec::new(), Vec::new());
    for (pos, event) in (old.size..).zip(in_order(waiting)) {
        let leaf = leaf(&event)?;
        chain = Sha256::new()
            .chain_update(chain)
            .chain_update(leaf)
            .finalize()
            .into();
        leaves.push(leaf);
        happened.push(event.at);
        rows.push(write::LedgerRow {
            pos,
            seq: event.seq,
            leaf,
            chain,
        });
    }
    let tiles = edge.append(&leaves);
    let new = Head {
        size: edge.size(),
        root: edge.root(),
    };
    let vkey = key.public().to_string();
    Ok(Some((
        write::Seal {
            old,
            new,
            rows,
            tiles,
            at,
            vkey,
        },
        happened,
    )))
}

/// The head that is gone on from is the one that was signed, unless its signature is still owed.
async fn agrees_with_checkpoint(
    tx: &DatabaseTransaction,
    head: Head,
    key: &SigningKey,
) -> Result<(), SealError> {
    if head.size == 0 {
        return Ok(());
    }
    let size = head.size;
    match read::checkpoint(tx, size).await? {
        None => Err(SealError::Tampered(format!(
            "the checkpoint of {size} entries is gone"
        ))),
        Some(row) if row.note.is_some() => {
            let ring = Keyring::load(tx, key.public()).await?;
            if signed_head(&row, &ring)? == head {
                return Ok(());
            }
            let what = format!("the head of {size} entries is not the signed one");
            Err(SealError::Tampered(what))
        }
        Some(_) => Ok(()),
    }
}

fn leaf(event: &PendingRow) -> Result<Hash, SealError> {
    let Some(body) = &event.body else {
        return Err(SealError::Tampered(format!(
            "event {} waits to be sealed but is gone",
            event.seq
        )));
    };
    if body.len() > MAX_ENTRY {
        return Err(SealError::TooLong {
            seq: event.seq,
            bytes: body.len(),
        });
    }
    Ok(leaf_hash(body))
}

/// Orders a batch by time, and by row within a time; the events of one change always stand in the order of their
/// numbers, also when the clock was set back between them.
///
/// The batch itself is the oldest by row. Rows do not commit in that order, but an event can only commit after the one
/// before it of its change, so whatever is missing belongs to other changes.
fn in_order(mut batch: Vec<PendingRow>) -> Vec<PendingRow> {
    batch.sort_by_key(|event| (event.at, event.seq));
    let mut by_change: HashMap<String, Vec<usize>> = HashMap::new();
    for (place, event) in batch.iter().enumerate() {
        by_change.entry(event.change_id.clone()).or_default().push(place);
    }
    let mut ordered: Vec<Option<PendingRow>> = vec![None; batch.len()];
    let mut batch: Vec<Option<PendingRow>> = batch.into_iter().map(Some).collect();
    for places in by_change.into_values() {
        let mut events: Vec<PendingRow> = places.iter().filter_map(|place| batch[*place].take()).collect();
        events.sort_by_key(|event| event.n);
        for (place, event) in places.into_iter().zip(events) {
            ordered[place] = Some(event);
        }
    }
    ordered.into_iter().flatten().collect()
}

/// The tree's right edge, which must lead to the head it is said to have.
async fn edge(tx: &DatabaseTransaction, head: Head) -> Result<Edge, SealError> {
    let mut stored: HashMap<Tile, Vec<u8>> = HashMap::new();
    for tile in Edge::tiles(head.size) {
        if let Some(bytes) = read::tile(tx, tile).await? {
            stored.insert(tile, bytes);
        }
    }
    Edge::load(head.size, |tile| stored.get(&tile).map(Vec::as_slice))
        .filter(|edge| edge.root() == head.root)
        .ok_or_else(|| {
            SealError::Tampered(format!(
                "its tiles do not lead to the head of {} entries",
                head.size
            ))
        })
}

/// What a checkpoint row's note says, if we signed it and the row agrees with it.
fn signed_head(row: &read::CheckpointRow, ring: &Keyring) -> Result<Head, SealError> {
    let note = row.note.as_deref().unwrap_or_default();
    let head = SignedCheckpoint::parse(note).and_then(|note| Ok(ring.verify(&note)?.0));
    match head {
        Ok(head) if head == row.head => Ok(head),
        Ok(_) => Err(SealError::Tampered(format!(
            "checkpoint {} differs from its signed note",
            row.head.size
        ))),
        Err(fault) => Err(SealError::Tampered(format!(
            "checkpoint {}: {fault}",
            row.head.size
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(change: &str, n: i32, at: i64, seq: i64) -> PendingRow {
        PendingRow {
            seq,
            change_id: change.to_owned(),
            n,
            at,
            body: None,
        }
    }

    #[test]
    fn a_batch_is_ordered_by_time_and_each_change_by_its_own_numbers() {
        let batch = vec![
            event("a", 1, 50, 1),
            event("b", 1, 10, 2),
            event("a", 2, 20, 3),
            event("c", 7, 20, 4),
            event("a", 3, 20, 5),
        ];
        let order: Vec<(String, i32)> = in_order(batch).into_iter().map(|e| (e.change_id, e.n)).collect();
        let order: Vec<String> = order.iter().map(|(change, n)| format!("{change}{n}")).collect();
        assert_eq!(order, ["b1", "a1", "c7", "a2", "a3"]);
    }
}

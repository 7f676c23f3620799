//! The sealed ledger to read: signed heads, entries, proofs, and every file of it as outsiders expect it.

use std::path::{Path, PathBuf};

use super::keyring::Keyring;
use crate::{
    evidence::{dsse::Envelope, verify::is_about},
    ledger::{
        key::VerifierKey,
        merkle::{Head, Plan},
        note::{NoteFault, SignedCheckpoint},
        notice::Leaf,
        proof::Proof,
        tiles::{self, EntriesFault, Kind, Tile},
    },
    store::{
        db::Db,
        error::StoreError,
        ledger::{
            notices, read,
            witnesses::{self, Standing},
        },
    },
    values::{ChangeId, Digest},
};

/// Why something of the ledger cannot be given.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The database did not answer, or holds something unreadable.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The newest head is not one of this log's.
    #[error("the newest checkpoint does not hold: {0}; run `governor ledger verify`")]
    Checkpoint(#[from] NoteFault),
    /// An entry does not fit into its bundle.
    #[error(transparent)]
    Entries(#[from] EntriesFault),
    /// Not sealed, or not there at all.
    #[error(
        "entry #{index} is not sealed yet; the signed ledger has {size} entries, and sealing takes about a second"
    )]
    NotSealed {
        /// The entry asked for.
        index: u64,
        /// Entries under the newest signed head.
        size: u64,
    },
    /// A file of an export could not be written.
    #[error("{}: cannot be written ({why}); check that the folder exists and that this user may write there", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        why: std::io::Error,
    },
}

/// Reads the ledger that `log` signs. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Ledger {
    pub(super) db: Db,
    pub(super) log: VerifierKey,
}

impl Ledger {
    /// The ledger in `db`, whose heads must be signed by `log`.
    #[must_use]
    pub fn new(db: Db, log: VerifierKey) -> Self {
        Self { db, log }
    }

    /// The key that heads and packets are checked with.
    #[must_use]
    pub fn key(&self) -> &VerifierKey {
        &self.log
    }

    /// The newest signed head; none before the first seal.
    ///
    /// # Errors
    /// [`LedgerError::Checkpoint`] when it is not signed by this log.
    pub async fn checkpoint(&self) -> Result<Option<SignedCheckpoint>, LedgerError> {
        let Some(row) = read::newest_signed(self.db.reads()).await? else {
            return Ok(None);
        };
        let note = SignedCheckpoint::parse(&row.note.unwrap_or_default())?;
        self.opened(&note).await?;
        Ok(Some(note))
    }

    /// The newest head that a witness cosigned, if it reaches beyond entry `index`.
    ///
    /// # Errors
    /// As [`Ledger::checkpoint`].
    pub async fn cosigned(&self, index: u64) -> Result<Option<SignedCheckpoint>, LedgerError> {
        let Some(row) = witnesses::newest_cosigned(self.db.reads(), index).await? else {
            return Ok(None);
        };
        let note = SignedCheckpoint::parse(&row.note.unwrap_or_default())?;
        self.opened(&note).await?;
        Ok(Some(note))
    }

    /// The signed head of exactly this size, if there is one.
    ///
    /// # Errors
    /// As [`Ledger::checkpoint`].
    pub async fn head(&self, size: u64) -> Result<Option<SignedCheckpoint>, LedgerError> {
        let Some(text) = read::checkpoint(self.db.reads(), size)
            .await?
            .and_then(|row| row.note)
        else {
            return Ok(None);
        };
        let note = SignedCheckpoint::parse(&text)?;
        self.opened(&note).await?;
        Ok(Some(note))
    }

    /// The witnesses that were asked so far, and how far each has come.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn witnesses(&self) -> Result<Vec<Standing>, LedgerError> {
        Ok(witnesses::all(self.db.reads()).await?)
    }

    /// The witnesses' public keys, one a line, as exports have them; empty where there are none.
    ///
    /// # Errors
    /// As [`Ledger::witnesses`].
    pub async fn witness_keys(&self) -> Result<String, LedgerError> {
        let all = self.witnesses().await?;
        Ok(all.iter().map(|one| format!("{}\n", one.vkey)).collect())
    }

    /// The bytes of an entry, sealed under the newest signed head.
    ///
    /// # Errors
    /// [`LedgerError::NotSealed`] beyond it.
    pub async fn entry(&self, index: u64) -> Result<Vec<u8>, LedgerError> {
        let size = self.sealed(index).await?.checkpoint.head.size;
        let row = read::entries(self.db.reads(), index, 1)
            .await?
            .into_iter()
            .find(|row| row.pos == index as i64);
        let event = row.and_then(|row| row.event).map(|event| event.body);
        event.ok_or(LedgerError::NotSealed { index, size })
    }

    /// The proof that an entry is in the ledger, under the newest signed head.
    ///
    /// # Errors
    /// [`LedgerError::NotSealed`] beyond it.
    pub async fn proof(&self, index: u64) -> Result<Proof, LedgerError> {
        let checkpoint = self.sealed(index).await?;
        let size = checkpoint.checkpoint.head.size;
        let plan = Plan::inclusion(index, size).ok_or(LedgerError::NotSealed { index, size })?;
        let path = read::digests(self.db.reads(), &plan, size).await?;
        Ok(Proof {
            index,
            path,
            checkpoint,
        })
    }

    /// The root over the first `size` entries, from the stored tiles; none beyond the sealed ones.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn root_at(&self, size: u64) -> Result<Option<[u8; 32]>, LedgerError> {
        if size > read::head(self.db.reads()).await?.size {
            return Ok(None);
        }
        Ok(Some(read::root(self.db.reads(), size).await?))
    }

    /// The proof that the ledger of `new` entries begins with the one of `old`; none if `old` is larger.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn consistency(&self, old: u64, new: u64) -> Result<Option<Vec<[u8; 32]>>, LedgerError> {
        let Some(plan) = Plan::consistency(old, new) else {
            return Ok(None);
        };
        Ok(Some(read::digests(self.db.reads(), &plan, new).await?))
    }

    /// Where the events of one kind of a change are sealed, oldest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn places(&self, change: &ChangeId, kind: &str) -> Result<Vec<u64>, LedgerError> {
        Ok(read::places(self.db.reads(), change.as_str(), kind).await?)
    }

    /// Where the entry stands that seals a change's packet; none before it is sealed.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn place_of_packet(
        &self,
        change: &ChangeId,
        packet: Digest,
    ) -> Result<Option<u64>, LedgerError> {
        for kind in ["packet_sealed", "policy_denied"] {
            for index in self.places(change, kind).await? {
                match self.entry(index).await {
                    Ok(entry) if is_about(&entry, packet) => return Ok(Some(index)),
                    Ok(_) | Err(LedgerError::NotSealed { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(None)
    }

    /// The key that signed a packet: this log's, or one before it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn signer_of(&self, envelope: &str) -> Result<VerifierKey, LedgerError> {
        let ring = Keyring::load(self.db.reads(), &self.log).await?;
        let envelope = Envelope::parse(envelope.as_bytes()).ok();
        let opens = |key: &&VerifierKey| {
            envelope
                .as_ref()
                .is_some_and(|envelope| envelope.open(key).is_ok())
        };
        Ok(ring.keys().iter().find(opens).unwrap_or(&self.log).clone())
    }

    /// The newest entries that belong to no change, newest first, each with its place once it is sealed.
    ///
    /// # Errors
    /// When the database does not answer, or one cannot be read.
    pub async fn notices(&self, limit: u32) -> Result<Vec<(Option<u64>, Leaf)>, LedgerError> {
        let rows = notices::newest(self.db.reads(), limit).await?;
        let read = |row: notices::NoticeRow| {
            let leaf = serde_json::from_slice(&row.body).map_err(StoreError::from)?;
            Ok((row.index, leaf))
        };
        rows.into_iter().map(read).collect()
    }

    /// Where an entry of the ledger's own stream is sealed, by its number there.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn place_of_notice(&self, n: i32) -> Result<Option<u64>, LedgerError> {
        Ok(notices::place(self.db.reads(), n).await?)
    }

    /// One file of the ledger as C2SP tlog-tiles name it, `checkpoint` or `tile/…`; none for any other name and for
    /// what the newest signed head does not reach. Partial tiles of earlier heads are there too.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn file(&self, path: &str) -> Result<Option<Vec<u8>>, LedgerError> {
        let Some(checkpoint) = self.checkpoint().await? else {
            return Ok(None);
        };
        if path == "checkpoint" {
            return Ok(Some(checkpoint.to_text().into_bytes()));
        }
        let Some(tile) = Tile::from_path(path) else {
            return Ok(None);
        };
        if !tile.is_within(checkpoint.checkpoint.head.size) {
            return Ok(None);
        }
        match tile.kind {
            Kind::Hashes(_) => {
                let bytes = read::tile(self.db.reads(), tile).await?;
                Ok(bytes.and_then(|bytes| Some(bytes.get(..usize::from(tile.width) * 32)?.to_vec())))
            }
            Kind::Entries => self.bundle(tile).await.map(Some),
        }
    }

    /// Writes the whole signed ledger below `out`: `checkpoint`, `tile/…`, `log.pub.pem` and `log.vkey`; where the
    /// key was replaced also those before it (`log.history`, the newest first); where there are witnesses also their keys (`witnesses.vkey`) and the newest head that one of them cosigned
    /// (`checkpoint.witnessed`); where an outside clock is configured also the newest stamped head (`checkpoint.stamped`)
    /// with its RFC 3161 answer (`checkpoint.tsr`). Gives the number of entries. The checkpoint is written last, so a folder with one is
    /// complete.
    ///
    /// # Errors
    /// [`LedgerError::Write`] for a file that cannot be written.
    pub async fn export(&self, out: &Path) -> Result<u64, LedgerError> {
        let checkpoint = self.checkpoint().await?;
        let size = checkpoint.as_ref().map_or(0, |note| note.checkpoint.head.size);
        for tile in tiles::changed(0, size) {
            let bytes = self.file(&tile.path()).await?;
            let bytes =
                bytes.ok_or_else(|| StoreError::Corrupt(format!("{tile} of the ledger's tree is gone")))?;
            put(out.join(tile.path()), &bytes).await?;
        }
        put(out.join("log.pub.pem"), self.log.to_pem().as_bytes()).await?;
        put(out.join("log.vkey"), format!("{}\n", self.log).as_bytes()).await?;
        let witnesses = self.witness_keys().await?;
        if !witnesses.is_empty() {
            put(out.join("witnesses.vkey"), witnesses.as_bytes()).await?;
        }
        if let Some(note) = self
            .cosigned(0)
            .await?
            .filter(|note| note.checkpoint.head.size <= size)
        {
            put(out.join("checkpoint.witnessed"), note.to_text().as_bytes()).await?;
        }
        if let Some(stamped) = self.stamped().await?.filter(|stamped| stamped.size <= size) {
            put(out.join("checkpoint.stamped"), stamped.note.as_bytes()).await?;
            put(out.join("checkpoint.tsr"), &stamped.response).await?;
        }
        if let Some(note) = checkpoint {
            put(out.join("checkpoint"), note.to_text().as_bytes()).await?;
        }
        Ok(size)
    }

    async fn bundle(&self, tile: Tile) -> Result<Vec<u8>, LedgerError> {
        let from = tile.index * tiles::WIDTH as u64;
        let rows = read::entries(self.db.reads(), from, u32::from(tile.width)).await?;
        let mut bodies = Vec::with_capacity(rows.len());
        for (index, row) in (from..).zip(&rows) {
            let event = row.event.as_ref().filter(|_| row.pos.unsigned_abs() == index);
            let gone = || StoreError::Corrupt(format!("entry #{index} of the ledger is gone"));
            bodies.push(event.ok_or_else(gone)?.body.as_slice());
        }
        Ok(tiles::encode_entries(bodies)?)
    }

    /// Checks that this log signed a head: with its key, or with one before it that announced it.
    async fn opened(&self, note: &SignedCheckpoint) -> Result<Head, LedgerError> {
        if let Ok(head) = note.verify(&self.log) {
            return Ok(head);
        }
        let ring = Keyring::load(self.db.reads(), &self.log).await?;
        Ok(ring.verify(note)?.0)
    }

    /// The head that a proof of entry `index` leads to: the newest one that a witness cosigned, if it reaches that far.
    async fn sealed(&self, index: u64) -> Result<SignedCheckpoint, LedgerError> {
        if let Some(cosigned) = self.cosigned(index).await? {
            return Ok(cosigned);
        }
        let newest = self.checkpoint().await?;
        let size = newest.as_ref().map_or(0, |note| note.checkpoint.head.size);
        newest
            .filter(|_| index < size)
            .ok_or(LedgerError::NotSealed { index, size })
    }
}

async fn put(path: PathBuf, bytes: &[u8]) -> Result<(), LedgerError> {
    let written = async {
        if let Some(folder) = path.parent() {
            tokio::fs::create_dir_all(folder).await?;
        }
        tokio::fs::write(&path, bytes).await
    };
    written.await.map_err(|why| LedgerError::Write { path, why })
}

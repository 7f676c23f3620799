//! The tree, grown again from the events' own bytes.

use sea_orm::DatabaseTransaction;
use sha2::{Digest as _, Sha256};

use super::Stop;
use crate::{
    engine::envelope::chained,
    ledger::{
        merkle::{Frontier, Hash, leaf_hash},
        tiles::{Edge, Kind, Tile, WIDTH},
    },
    store::ledger::read::{self, EntryRow, SealedEvent},
    values::Digest,
};

/// The tree so far. `frontier` is ahead of `edge` by the leaves that were not settled yet.
#[derive(Default)]
pub(super) struct Tree {
    frontier: Frontier,
    edge: Edge,
    fresh: Vec<Hash>,
    chain: Hash,
}

impl Tree {
    pub(super) fn size(&self) -> u64 {
        self.frontier.size()
    }

    pub(super) fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// Takes the next row of the ledger and checks it against the event it stands for.
    pub(super) fn entry<'row>(&mut self, row: &'row EntryRow) -> Result<&'row SealedEvent, Stop> {
        let index = self.size();
        let fault = |place, what: String| Stop::at(Some(index), place, what);
        if row.pos != index as i64 {
            let what = format!(
                "entry #{index} is missing from table ledger; the next one is #{}",
                row.pos
            );
            return Err(fault("ledger", what));
        }
        let Some(event) = &row.event else {
            return Err(fault(
                "event",
                format!(
                    "entry #{index} is sealed, but its event (seq {}) is gone",
                    row.seq
                ),
            ));
        };
        let name = format!("event {} of change {}", event.n, event.change_id);
        let leaf = leaf_hash(&event.body);
        let prev = Digest(event.prev_hash.as_slice().try_into().unwrap_or_default());
        let own_hash_agrees = event.hash == chained(prev, &event.body).0;
        if row.leaf != leaf {
            let what = if own_hash_agrees {
                format!(
                    "entry #{index}: the sealed digest is not that of {name}; \
                     the event with its hash, or the ledger's row, was changed or moved"
                )
            } else {
                format!("entry #{index}: the text of {name} was changed after it was sealed")
            };
            return Err(fault(if own_hash_agrees { "ledger" } else { "event" }, what));
        }
        if !own_hash_agrees {
            return Err(fault(
                "event",
                format!("entry #{index}: a hash beside the text of {name} was changed"),
            ));
        }
        self.chain = Sha256::new()
            .chain_update(self.chain)
            .chain_update(leaf)
            .finalize()
            .into();
        if row.chain != self.chain {
            let what = format!(
                "entry #{index}: the running digest in table ledger was changed, or rows before it were"
            );
            return Err(fault("ledger", what));
        }
        self.frontier.push(leaf);
        self.fresh.push(leaf);
        Ok(event)
    }

    /// Checks the stored tiles that the entries so far have filled.
    pub(super) async fn settle(&mut self, tx: &DatabaseTransaction) -> Result<(), Stop> {
        let fresh = std::mem::take(&mut self.fresh);
        for (tile, bytes) in self.edge.append(&fresh) {
            if usize::from(tile.width) == WIDTH {
                same(tx, tile, &bytes).await?;
            }
        }
        Ok(())
    }

    /// Checks the partial tiles at the edge of the whole tree.
    pub(super) async fn edge(&self, tx: &DatabaseTransaction) -> Result<(), Stop> {
        for (tile, bytes) in self.edge.partial() {
            same(tx, tile, &bytes).await?;
        }
        Ok(())
    }
}

async fn same(tx: &DatabaseTransaction, tile: Tile, expected: &[u8]) -> Result<(), Stop> {
    let stored = read::tile(tx, tile).await?.unwrap_or_default();
    if stored == expected {
        return Ok(());
    }
    let at = expected.iter().zip(&stored).take_while(|(a, b)| a == b).count() / 32;
    let level = match tile.kind {
        Kind::Hashes(level) => level,
        Kind::Entries => 0,
    };
    let what =
        format!("{tile}: digest {at} is not what the entries give; the row of table ledger_tile was changed");
    let index = (tile.index * WIDTH as u64 + at as u64) << (8 * level);
    Err(Stop::at(Some(index), "ledger_tile", what))
}

//! The signed heads: each one must be the root of the entries up to it, and signed by the log.

use std::collections::VecDeque;

use sea_orm::DatabaseTransaction;

use super::{PAGE, Report, Stop, tree::Tree};
use crate::{
    ledger::{
        key::VerifierKey,
        merkle::{Hash, Head},
        note::SignedCheckpoint,
    },
    store::ledger::read::{self, CheckpointRow},
};

const PLACE: &str = "checkpoint";

/// The heads in order of size, read as the tree grows past them.
pub(super) struct Heads<'key> {
    log: &'key VerifierKey,
    ahead: VecDeque<CheckpointRow>,
    more: bool,
    last: Option<Head>,
    unsigned: Option<u64>,
}

impl<'key> Heads<'key> {
    pub(super) fn new(log: &'key VerifierKey) -> Self {
        Self {
            log,
            ahead: VecDeque::new(),
            more: true,
            last: None,
            unsigned: None,
        }
    }

    /// Checks the head of the tree's present size, if one was made.
    pub(super) async fn at(
        &mut self,
        tx: &DatabaseTransaction,
        tree: &Tree,
        report: &mut Report,
    ) -> Result<(), Stop> {
        if self.ahead.is_empty() && self.more {
            let page = read::checkpoints(tx, self.last.map(|head| head.size), PAGE).await?;
            self.more = page.len() == PAGE as usize;
            self.ahead.extend(page);
        }
        if let Some(row) = self.ahead.pop_front_if(|row| row.head.size == tree.size()) {
            self.check(&row, tree.root())?;
            report.checkpoints += u64::from(row.note.is_some());
        }
        Ok(())
    }

    fn check(&mut self, row: &CheckpointRow, root: Hash) -> Result<(), Stop> {
        let size = row.head.size;
        let fault = |what: String| Stop::at(size.checked_sub(1), PLACE, what);
        let signed = match &row.note {
            None => None,
            Some(note) => Some(
                SignedCheckpoint::parse(note)
                    .and_then(|note| note.verify(self.log))
                    .map_err(|why| fault(format!("the checkpoint of {size} entries: {why}")))?,
            ),
        };
        if signed.is_some_and(|head| head.size != size || head.root != root) {
            return Err(fault(format!(
                "the {size} entries do not lead to the root that was signed for them; an entry among them was changed, \
                 removed, added or moved, and the rows around it were made to fit"
            )));
        }
        if row.head.root != root {
            return Err(fault(format!(
                "the root of the checkpoint of {size} entries was changed"
            )));
        }
        let before = self.last.map(|head| head.root.to_vec());
        if row.prev_root != before {
            let what =
                format!("a checkpoint before that of {size} entries is gone, or its prev_root was changed");
            return Err(fault(what));
        }
        if let (Some(unsigned), Some(_)) = (self.unsigned, signed) {
            return Err(fault(format!(
                "the checkpoint of {unsigned} entries has lost its signature"
            )));
        }
        if signed.is_none() {
            self.unsigned.get_or_insert(size);
        }
        self.last = Some(row.head);
        Ok(())
    }

    /// Nothing may be left, and the head row must be the last of the heads.
    pub(super) async fn end(&self, tx: &DatabaseTransaction, tree: &Tree) -> Result<(), Stop> {
        let (size, root) = (tree.size(), tree.root());
        let fault = |place, what: String| Stop::at(Some(size), place, what);
        if let Some(row) = self.ahead.front() {
            let what = format!(
                "the checkpoint of {} entries was signed, but the ledger ends after {size}; its end was cut off",
                row.head.size
            );
            return Err(fault("ledger", what));
        }
        let stored = read::head(tx).await?;
        if stored.size != size || stored.root != root {
            let what = format!(
                "the head says {} entries where {size} are stored, or another root",
                stored.size
            );
            return Err(fault("ledger_head", what));
        }
        if size > 0 && self.last.map(|head| head.size) != Some(size) {
            return Err(fault(
                PLACE,
                format!("the newest checkpoint, of {size} entries, is gone"),
            ));
        }
        Ok(())
    }
}

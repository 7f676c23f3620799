//! The signed heads: each one must be the root of the entries up to it, and signed by the log.

use std::collections::VecDeque;

use sea_orm::DatabaseTransaction;

use super::{
    super::keyring::{Announced, Keyring, announced},
    PAGE, Report, Stop,
    tree::Tree,
};
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
    ring: Keyring,
    announced: Vec<Announced>,
    newest_by: Option<VerifierKey>,
    ahead: VecDeque<CheckpointRow>,
    more: bool,
    last: Option<Head>,
    unsigned: Option<u64>,
}

impl<'key> Heads<'key> {
    /// Heads that `log` or a key before it has signed, as `ring` says.
    pub(super) fn new(log: &'key VerifierKey, ring: Keyring) -> Self {
        Self {
            log,
            ring,
            announced: Vec::new(),
            newest_by: None,
            ahead: VecDeque::new(),
            more: true,
            last: None,
            unsigned: None,
        }
    }

    /// Takes in the next entry: one that announces a key counts once a head over it is signed by the key before.
    pub(super) fn told(&mut self, index: u64, body: &[u8]) {
        self.announced.extend(announced(index, body));
    }

    /// Follows the keys that the signer of a head has announced in an entry under it.
    fn follow(&mut self, head: Head, signer: &VerifierKey) {
        let (now, later) = std::mem::take(&mut self.announced)
            .into_iter()
            .partition(|one: &Announced| one.index < head.size && one.from == *signer);
        self.announced = later;
        for one in now {
            self.ring.add(one.to);
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
                    .and_then(|note| {
                        let (head, signer) = self.ring.verify(&note)?;
                        Ok((head, signer.clone()))
                    })
                    .map_err(|why| fault(format!("the checkpoint of {size} entries: {why}")))?,
            ),
        };
        if let Some((head, signer)) = &signed {
            self.follow(*head, signer);
            self.newest_by = Some(signer.clone());
        }
        let signed = signed.map(|(head, _)| head);
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
        let before = Keyring::load(tx, self.log).await?;
        if let Some(signer) = &self.newest_by
            && before.keys().iter().skip(1).any(|key| key == signer)
        {
            let what = format!(
                "the newest head is signed by an earlier key than {}; start the service with the new key, or check with \
                 the key before it",
                self.log
            );
            return Err(fault(PLACE, what));
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

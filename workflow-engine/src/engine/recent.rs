//! What this replica wrote last: a command that follows at once is decided on it without a look at the database.
//!
//! It is a hint, never an answer. The commit's guards tell whether the change still ends with the event remembered here and
//! whether the catalog still holds; whatever is not a commit (a refusal above all) is decided anew on what the database says.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{store::grounds::Grounds, values::ChangeNumber};

/// How many changes are remembered: those that move at the same moment, not those that wait for people.
const MOST: usize = 64;

/// The changes that moved last, the newest at the back; in boxes, since those behind one that is taken out move up.
#[derive(Debug, Default)]
pub(super) struct Recent(Mutex<VecDeque<Box<Grounds>>>);

impl Recent {
    /// Remembers what a commit left behind.
    pub(super) fn keep(&self, grounds: Box<Grounds>) {
        let mut kept = self.kept();
        if kept.len() == MOST {
            kept.pop_front();
        }
        kept.push_back(grounds);
    }

    /// Takes a change out: of two commands at once, the second looks for itself.
    pub(super) fn take(&self, number: ChangeNumber) -> Option<Box<Grounds>> {
        let mut kept = self.kept();
        let place = kept
            .iter()
            .rposition(|grounds| grounds.loaded.change.number == number)?;
        kept.remove(place)
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Box<Grounds>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! The use cases: the one door ([`Engine::handle`]), filing, facts, jobs.

pub mod audit;
pub mod budgets;
pub mod catalog;
pub mod dead_letters;
pub mod digest;
mod door;
pub mod envelope;
mod facts;
pub mod file;
pub mod jobs;
pub mod ledger;
pub mod log_key;
mod packet;
pub mod queries;
pub mod record;
pub mod request;
mod rows;
pub mod seal;
pub mod shadow;
pub mod spend;
pub mod versions;
pub mod witnessing;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::{Notify, broadcast};

pub use request::{HandleError, Note, Outcome, Request};

use crate::{change::definitions::Definitions, ports::clock::Clock, store::db::Db, values::ChangeNumber};

/// The engine: cheap to clone, one for the whole service.
#[derive(Clone)]
pub struct Engine {
    db: Db,
    clock: Arc<dyn Clock>,
    catalogs: Arc<tokio::sync::RwLock<catalog::Kept>>,
    wake: Arc<Notify>,
    changed: broadcast::Sender<Changed>,
    definitions: Definitions,
    claims_lost: Arc<AtomicU64>,
}

/// A change has moved; live pages and chat copies look again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Which.
    pub number: ChangeNumber,
    /// Its version afterwards.
    pub version: i64,
}

impl Engine {
    /// An engine on an opened, migrated database.
    #[must_use]
    pub fn new(db: Db, clock: Arc<dyn Clock>) -> Self {
        Self {
            db,
            clock,
            catalogs: Arc::default(),
            wake: Arc::new(Notify::new()),
            changed: broadcast::channel(256).0,
            definitions: Definitions::default(),
            claims_lost: Arc::default(),
        }
    }

    /// The same with other versions of the rules than this program's.
    #[must_use]
    pub fn with_definitions(mut self, definitions: Definitions) -> Self {
        self.definitions = definitions;
        self
    }

    /// The database, for reading views.
    #[must_use]
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// Time and randomness.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// How many results this process brought after their claim had run out; each was dropped.
    #[must_use]
    pub fn claims_lost(&self) -> u64 {
        self.claims_lost.load(Ordering::Relaxed)
    }

    /// Told whenever jobs may be due; a hint, never an answer.
    #[must_use]
    pub fn wake(&self) -> &Arc<Notify> {
        &self.wake
    }

    /// Told whenever a change has moved in this process.
    #[must_use]
    pub fn changes(&self) -> broadcast::Receiver<Changed> {
        self.changed.subscribe()
    }
}

//! The use cases: the one door ([`Engine::handle`]), filing, facts, jobs.

pub mod attach;
pub mod audit;
pub mod budgets;
pub mod catalog;
pub mod counts;
pub mod dead_letters;
pub mod digest;
mod door;
pub mod envelope;
pub mod erasure;
mod facts;
pub mod file;
pub mod gate;
pub mod jobs;
pub mod keyring;
pub mod ledger;
pub mod log_key;
pub mod notices;
mod packet;
pub mod policy;
mod private_file;
pub mod queries;
mod recent;
pub mod record;
pub mod request;
pub mod row_seals;
mod rows;
pub mod seal;
pub mod shadow;
pub mod spend;
pub mod timestamping;
pub mod versions;
pub mod witnessing;

use std::sync::Arc;

use counts::Counts;
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
    counts: Arc<Counts>,
    recent: Arc<recent::Recent>,
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
            counts: Arc::default(),
            recent: Arc::default(),
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

    /// What happened since this process started.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
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

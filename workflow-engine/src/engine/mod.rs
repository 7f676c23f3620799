//! The use cases: the one door ([`Engine::handle`]), filing, facts, jobs.

pub mod audit;
mod door;
pub mod envelope;
mod facts;
pub mod file;
pub mod jobs;
pub mod ledger;
pub mod log_key;
pub mod request;
mod rows;
pub mod seal;

use std::sync::Arc;

use tokio::sync::{Notify, broadcast};

pub use request::{HandleError, Note, Outcome, Request};

use crate::{
    catalog::Catalog,
    ports::clock::Clock,
    store::{self, db::Db, error::StoreError},
    values::{ChangeNumber, Digest},
};

/// The engine: cheap to clone, one for the whole service.
#[derive(Clone)]
pub struct Engine {
    db: Db,
    clock: Arc<dyn Clock>,
    catalogs: Arc<tokio::sync::RwLock<Catalogs>>,
    wake: Arc<Notify>,
    changed: broadcast::Sender<Changed>,
    // SQLite has one process: numbers are taken one after the other here. PostgreSQL has a sequence.
    numbering: Arc<tokio::sync::Mutex<()>>,
}

/// A change has moved; live pages and chat copies look again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Which.
    pub number: ChangeNumber,
    /// Its version afterwards.
    pub version: i64,
}

/// Catalogs by digest; versions never change, so they are kept.
#[derive(Default)]
struct Catalogs {
    versions: std::collections::HashMap<Digest, Arc<Catalog>>,
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
            numbering: Arc::default(),
        }
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

    /// The catalog that holds now, with its digest; an empty one before the first was applied.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn catalog(&self) -> Result<(Digest, Arc<Catalog>), StoreError> {
        match store::catalog::newest_digest(&self.db).await? {
            Some(digest) => Ok((digest, self.catalog_of(digest).await?)),
            None => Ok((Digest([0; 32]), Arc::default())),
        }
    }

    /// The catalog of that digest.
    ///
    /// # Errors
    /// When the database does not answer, or does not know it.
    pub async fn catalog_of(&self, digest: Digest) -> Result<Arc<Catalog>, StoreError> {
        if let Some(catalog) = self.catalogs.read().await.versions.get(&digest) {
            return Ok(catalog.clone());
        }
        let version = store::catalog::by_digest(&self.db, digest)
            .await?
            .ok_or_else(|| StoreError::Corrupt(format!("catalog {} is not there", digest.short())))?;
        Ok(self.keep(digest, version.catalog).await)
    }

    async fn keep(&self, digest: Digest, catalog: Catalog) -> Arc<Catalog> {
        let mut catalogs = self.catalogs.write().await;
        catalogs
            .versions
            .entry(digest)
            .or_insert_with(|| Arc::new(catalog))
            .clone()
    }
}

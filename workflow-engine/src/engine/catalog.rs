//! The catalog in use: read once a version, applied as a whole, the same file twice without effect.

use std::{collections::HashMap, sync::Arc};

use super::Engine;
use crate::{
    catalog::{Catalog, Difference, diff},
    store::{
        catalog::{self, Version},
        error::StoreError,
    },
    values::{Actor, Digest},
};

/// Catalogs by digest; a version never changes, so they are kept.
pub(super) type Kept = HashMap<Digest, Arc<Catalog>>;

/// What applying a catalog did.
#[derive(Clone, Debug, PartialEq)]
pub struct Applied {
    /// The digest of the version that holds now.
    pub digest: Digest,
    /// What was changed; empty when the file says what held already.
    pub differences: Vec<Difference>,
}

impl Engine {
    /// The catalog that holds now, with its digest; an empty one before the first was applied.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn catalog(&self) -> Result<(Digest, Arc<Catalog>), StoreError> {
        let newest = catalog::newest_digest(&self.db).await?;
        self.catalog_now(newest.map(|(_, digest)| digest)).await
    }

    /// As [`Engine::catalog`], when it is known which one holds.
    pub(super) async fn catalog_now(
        &self,
        newest: Option<Digest>,
    ) -> Result<(Digest, Arc<Catalog>), StoreError> {
        match newest {
            Some(digest) => Ok((digest, self.catalog_of(digest).await?)),
            None => Ok((Digest([0; 32]), Arc::default())),
        }
    }

    /// The catalog of that digest.
    ///
    /// # Errors
    /// When the database does not answer, or does not know it.
    pub async fn catalog_of(&self, digest: Digest) -> Result<Arc<Catalog>, StoreError> {
        if let Some(catalog) = self.catalogs.read().await.get(&digest) {
            return Ok(catalog.clone());
        }
        let version = catalog::by_digest(&self.db, digest)
            .await?
            .ok_or_else(|| StoreError::Corrupt(format!("catalog {} is not there", digest.short())))?;
        let mut kept = self.catalogs.write().await;
        Ok(kept
            .entry(digest)
            .or_insert_with(|| Arc::new(version.catalog))
            .clone())
    }

    /// Makes `file` the catalog that holds, unless it says what holds already. Parts that differ carry the name of `actor`,
    /// who is barred for some days from approving what relies on them.
    ///
    /// # Errors
    /// [`StoreError::Contended`] when somebody else applied another catalog meanwhile; else when the database cannot be
    /// written.
    #[tracing::instrument(skip_all, fields(actor.id = %actor))]
    pub async fn apply_catalog(&self, file: &Catalog, actor: &Actor) -> Result<Applied, StoreError> {
        let newest = catalog::newest_digest(&self.db).await?;
        let before = match newest {
            Some((_, digest)) => Some(self.catalog_of(digest).await?),
            None => None,
        };
        let nothing = Catalog::default();
        let differences = diff(before.as_deref().unwrap_or(&nothing), file);
        if let Some((_, digest)) = newest.filter(|_| differences.is_empty()) {
            return Ok(Applied { digest, differences });
        }
        let now = self.clock.now();
        let catalog = file.stamped(before.as_deref(), actor.person(), now);
        let digest = catalog.digest();
        let version = Version {
            digest,
            catalog,
            applied_at: now.timestamp_millis(),
            actor: actor.to_string(),
        };
        catalog::insert_after(&self.db, newest.map(|(seq, _)| seq), version).await?;
        tracing::info!(catalog = %digest.short(), differences = differences.len(), "catalog applied");
        Ok(Applied { digest, differences })
    }
}

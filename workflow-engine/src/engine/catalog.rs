//! The catalog in use: read once a version, applied as a whole, the same file twice without effect.

use std::{collections::HashMap, sync::Arc};

use super::{
    Engine,
    envelope::{Envelope, chained},
};
use crate::{
    catalog::{Catalog, Difference, diff},
    change::event::{CatalogApplied, Event},
    store::{
        catalog::{self, Record, Version},
        commit::EventRow,
        error::StoreError,
    },
    values::{Actor, ChangeId, ChangeNumber, Digest, canonical_json},
};

/// Catalogs by digest; a version never changes, so they are kept.
pub(super) type Kept = HashMap<Digest, Arc<Catalog>>;

/// Why a catalog was not applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The policy may be changed by an approved change only.
    #[error(
        "the policy may only be changed by an approved change, and the file differs in {}; \
         propose it with `governor policy propose`, or leave these parts as they are (policy-needs-approval)",
        parts.join(", ")
    )]
    NeedsApproval {
        /// The parts that differ.
        parts: Vec<String>,
    },
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

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
    /// who is barred for some days from approving what relies on them. The ledger keeps who did it, and the digest of what
    /// differs; the first catalog is where everything starts from and has no such event.
    ///
    /// # Errors
    /// [`ApplyError::NeedsApproval`] where the catalog that holds lets its policy be changed by an approved change only;
    /// [`StoreError::Contended`] when somebody else applied another catalog meanwhile; else when the database cannot be
    /// written.
    #[tracing::instrument(skip_all, fields(actor.id = %actor))]
    pub async fn apply_catalog(&self, file: &Catalog, actor: &Actor) -> Result<Applied, ApplyError> {
        self.put_in_force(file, actor, None).await
    }

    /// The same; `change` is the approved change of the policy that it follows, if it does.
    pub(super) async fn put_in_force(
        &self,
        file: &Catalog,
        actor: &Actor,
        change: Option<ChangeNumber>,
    ) -> Result<Applied, ApplyError> {
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
        let guarded = before
            .as_ref()
            .is_some_and(|before| before.policy.change_needs_approval);
        let policy = policy_parts(&differences);
        if guarded && change.is_none() && !policy.is_empty() {
            return Err(ApplyError::NeedsApproval { parts: policy });
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
        let told = newest.map(|(_, before)| CatalogApplied {
            before,
            after: digest,
            diff_sha256: Digest::of_json(&differences).unwrap_or_else(|_| Digest::of(&[])),
            parts: parts(&differences),
            policy: !policy.is_empty(),
            change,
        });
        let (actor, at) = (actor.to_string(), now.timestamp_millis());
        let record =
            told.map(|told| -> Record { Box::new(move |n, head| row(told, (n, head), (actor, at))) });
        catalog::insert_after(&self.db, newest.map(|(seq, _)| seq), version, record).await?;
        tracing::info!(catalog = %digest.short(), differences = differences.len(), "catalog applied");
        Ok(Applied { digest, differences })
    }
}

/// The event that tells of a version, as a row of the catalog's stream.
fn row(
    told: CatalogApplied,
    (n, head): (i32, Digest),
    (actor, at): (String, i64),
) -> Result<EventRow, StoreError> {
    let event = Event::CatalogApplied(told);
    let kind = event.name();
    let body = canonical_json(&Envelope {
        change: ChangeId(catalog::STREAM.to_owned()),
        n: u32::try_from(n).unwrap_or_default(),
        at,
        actor: actor.clone(),
        event,
    })?;
    Ok(EventRow {
        n,
        kind,
        hash: chained(head, &body),
        prev_hash: head,
        actor,
        body,
    })
}

/// The top-level parts of `differences`, each once.
fn parts(differences: &[Difference]) -> Vec<String> {
    let top = |path: &str| path.split(['.', ' ']).next().unwrap_or_default().to_owned();
    let mut parts: Vec<String> = differences.iter().map(|it| top(&it.path)).collect();
    parts.sort();
    parts.dedup();
    parts
}

/// Those that make the policy.
fn policy_parts(differences: &[Difference]) -> Vec<String> {
    let mut parts = parts(differences);
    parts.retain(|part| matches!(part.as_str(), "policy" | "approval" | "data_classes" | "controls"));
    parts
}

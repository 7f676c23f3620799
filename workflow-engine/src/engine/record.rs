//! Calls come in here, whatever brought them: the rules of the day make rows of them, the store keeps them.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::Engine;
use crate::finance::period;
use crate::policy::traffic::TrafficPolicy;
use crate::store::calls::{CallStore, RecordError};
use crate::store::error::StoreError;
use crate::usage::attribute::Rules;
use crate::usage::price::PriceBook;
use crate::usage::report::{Delivery, Recorded};
use crate::values::Digest;

/// How long rules are used before the catalog is looked at again.
const BELIEVED: TimeDelta = TimeDelta::seconds(2);

/// The way in for calls. Cheap to clone.
#[derive(Clone)]
pub struct Recorder {
    engine: Engine,
    calls: CallStore,
    prices: Arc<PriceBook>,
    rules: Arc<Mutex<Option<Held>>>,
}

struct Held {
    catalog: Digest,
    /// Facts of the policy end with a day.
    day: NaiveDate,
    since: DateTime<Utc>,
    rules: Arc<Rules>,
}

impl Recorder {
    /// A recorder into `calls` under the engine's catalog; `prices` are the lists without the catalog's overrides.
    #[must_use]
    pub fn new(engine: Engine, calls: CallStore, prices: PriceBook) -> Self {
        Self {
            engine,
            calls,
            prices: Arc::new(prices),
            rules: Arc::default(),
        }
    }

    /// The store, for reading.
    #[must_use]
    pub fn calls(&self) -> &CallStore {
        &self.calls
    }

    /// Stores a delivery that was `bytes` long and answers when it is on disk.
    ///
    /// # Errors
    /// As [`CallStore::record`].
    pub async fn record(
        &self,
        source: &str,
        delivery: Delivery,
        bytes: usize,
    ) -> Result<Recorded, RecordError> {
        let rules = self.rules().await?;
        self.calls.record(source, delivery, rules, bytes).await
    }

    /// The rules of the catalog that holds now, at most two seconds old.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn rules(&self) -> Result<Arc<Rules>, StoreError> {
        let now = self.engine.clock().now();
        if let Some(held) = self.held().as_ref()
            && (now - held.since).abs() < BELIEVED
        {
            return Ok(held.rules.clone());
        }
        let (digest, catalog) = self.engine.catalog().await?;
        let day = period::day(now, catalog.company.time_zone);
        let mut slot = self.held();
        let rules = match slot.take() {
            Some(held) if held.catalog == digest && held.day == day => held.rules,
            _ => {
                let mut prices = self.prices.as_ref().clone();
                prices.add_overrides(&catalog.prices);
                let policy = TrafficPolicy::of(&catalog, day);
                Arc::new(Rules::of(&catalog, prices).held_to(policy))
            }
        };
        *slot = Some(Held {
            catalog: digest,
            day,
            since: now,
            rules: rules.clone(),
        });
        Ok(rules)
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Option<Held>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

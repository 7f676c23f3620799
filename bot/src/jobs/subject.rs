//! What a policy job is about: the change, and the catalog that it was submitted under.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use workflow_engine::{
    catalog::{Catalog, Workflow},
    change::state::Change,
    engine::{Engine, jobs::JobError},
    store::queue::Job,
};

/// A change with its rules and the moment.
pub(super) struct Subject {
    /// The change.
    pub(super) change: Change,
    /// The catalog that holds for it: the one at submit, whatever was applied since.
    pub(super) catalog: Arc<Catalog>,
    /// Now.
    pub(super) now: DateTime<Utc>,
    /// Today, in the company's time zone.
    pub(super) today: NaiveDate,
}

impl Subject {
    /// What `job` is about.
    pub(super) async fn load(engine: &Engine, job: &Job) -> Result<Self, JobError> {
        let change = super::change_of(engine, job).await?;
        let catalog = match change.catalog {
            Some(digest) => engine.catalog_of(digest).await?,
            None => engine.catalog().await?.1,
        };
        let now = engine.clock().now();
        Ok(Self {
            change,
            today: now.with_timezone(&catalog.company.time_zone).date_naive(),
            catalog,
            now,
        })
    }

    /// The workflow's entry; filing has seen to it that there is one.
    pub(super) fn workflow(&self) -> Result<&Workflow, JobError> {
        self.catalog
            .workflow(self.change.workflow.as_str())
            .ok_or_else(|| {
                JobError::permanent(format!("the catalog has no workflow {}", self.change.workflow))
            })
    }
}

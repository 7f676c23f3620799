//! Lists: changes, workflows, jobs, the audit stream, the ledger's newest entries.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{Page, change_view::EventView, people::Who, time};
use crate::{
    catalog::{Catalog, DataClass, Workflow},
    change::state::{Change, State},
    engine::Engine,
    store::{
        self,
        changes::StoredEvent,
        error::StoreError,
        views::{Fate, Filter, JobLine},
    },
    values::{ChangeNumber, Revision, Route, WorkflowId},
};

/// A change as a row of a list.
#[derive(Clone, Debug, Serialize)]
pub struct ChangeLine {
    /// What people call it.
    pub number: ChangeNumber,
    /// The workflow.
    pub workflow: WorkflowId,
    /// Where it stands.
    pub state: State,
    /// The public stage; none for a draft.
    pub stage: Option<&'static str>,
    /// Its edition.
    pub revision: Revision,
    /// What serves the workflow today.
    pub baseline: Route,
    /// What is proposed.
    pub candidate: Route,
    /// Who filed it.
    pub requester: Who,
    /// What the test says, once it does.
    pub verdict: Option<String>,
    /// When it expires.
    pub deadline_at: Option<DateTime<Utc>>,
    /// When it was filed.
    pub filed_at: DateTime<Utc>,
    /// When it last moved.
    pub updated_at: DateTime<Utc>,
}

impl ChangeLine {
    /// The row of `change`, with names from `catalog`.
    #[must_use]
    pub fn of(change: &Change, catalog: &Catalog) -> Self {
        let verdict = change.test.as_ref().and_then(|test| test.verdict.as_ref());
        Self {
            number: change.number,
            workflow: change.workflow.clone(),
            state: change.state,
            stage: change.state.stage(),
            revision: change.revision,
            baseline: change.baseline.clone(),
            candidate: change.candidate.clone(),
            requester: Who::person(catalog, &change.requester),
            verdict: verdict.map(|verdict| verdict.outcome.clone()),
            deadline_at: change.deadline_at,
            filed_at: change.filed_at,
            updated_at: change.updated_at,
        }
    }
}

/// A workflow with what serves it now.
#[derive(Clone, Debug, Serialize)]
pub struct WorkflowView {
    /// The catalog's entry.
    #[serde(flatten)]
    pub entry: Workflow,
    /// The owner by name.
    pub owner_name: String,
    /// The class of its data by name.
    pub data_class_name: String,
    /// What serves it now.
    pub live: Option<Route>,
    /// The change that brought that, if one did.
    pub live_since_change: Option<u64>,
    /// Its change that is under way, if one is.
    pub open_change: Option<ChangeLine>,
}

/// A job as a list shows it.
#[derive(Clone, Debug, Serialize)]
pub struct JobView {
    /// Its id.
    pub id: String,
    /// The change it belongs to.
    pub change: Option<u64>,
    /// What it does.
    pub kind: String,
    /// When it is due, or was given up.
    pub at: DateTime<Utc>,
    /// How often it was tried.
    pub attempts: i32,
    /// How often it may be.
    pub max_attempts: i32,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// Who sent it again after it was given up.
    pub sent_again_by: Option<Who>,
    #[serde(skip)]
    seq: i64,
}

/// An event of any change.
#[derive(Clone, Debug, Serialize)]
pub struct AuditEvent {
    /// The change.
    pub change: Option<u64>,
    /// The event.
    #[serde(flatten)]
    pub event: EventView,
}

impl Engine {
    /// Changes that pass `filter`, newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn change_lines(&self, filter: &Filter, limit: u64) -> Result<Page<ChangeLine>, StoreError> {
        let changes = store::views::changes(self.db(), filter, limit + 1).await?;
        let (_, catalog) = self.catalog().await?;
        let lines = changes
            .iter()
            .map(|change| ChangeLine::of(change, &catalog))
            .collect();
        Ok(Page::of(lines, limit, |line: &ChangeLine| {
            line.number.0.to_string()
        }))
    }

    /// The workflows of the catalog with what serves them now.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn workflow_views(&self) -> Result<Vec<WorkflowView>, StoreError> {
        let (_, catalog) = self.catalog().await?;
        let mut views = Vec::with_capacity(catalog.workflows.len());
        for entry in &catalog.workflows {
            views.push(self.workflow_view(&catalog, entry).await?);
        }
        Ok(views)
    }

    /// One workflow with what serves it now.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn workflow_view(
        &self,
        catalog: &Catalog,
        entry: &Workflow,
    ) -> Result<WorkflowView, StoreError> {
        let live = store::routes::live(self.db(), entry.id.as_str()).await?;
        let open = Filter {
            workflow: Some(entry.id.0.clone()),
            states: State::ALL.into_iter().filter(|state| !state.is_final()).collect(),
            ..Filter::default()
        };
        let open = store::views::changes(self.db(), &open, 1).await?;
        let from_catalog = || {
            catalog
                .route(&entry.route)
                .map(crate::catalog::CatalogRoute::route)
        };
        let class = |class: &&DataClass| class.id == entry.data_class;
        Ok(WorkflowView {
            owner_name: super::people::name(catalog, &entry.owner),
            data_class_name: catalog
                .data_classes
                .iter()
                .find(class)
                .map_or_else(|| entry.data_class.clone(), |class| class.name.clone()),
            live_since_change: live.as_ref().and_then(|live| live.change_number),
            live: live.map(|live| live.route).or_else(from_catalog),
            open_change: open.first().map(|change| ChangeLine::of(change, catalog)),
            entry: entry.clone(),
        })
    }

    /// Jobs of one fate, `cursor` as in [`Page`].
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn job_views(
        &self,
        fate: Fate,
        cursor: Option<i64>,
        limit: u64,
    ) -> Result<Page<JobView>, StoreError> {
        let lines = store::views::jobs(self.db(), fate, cursor, limit + 1).await?;
        let ids = lines.iter().filter_map(|line| line.change_id.clone()).collect();
        let numbers = store::views::numbers(self.db(), ids).await?;
        let (_, catalog) = self.catalog().await?;
        let view = |line: JobLine| JobView {
            change: line.change_id.as_ref().and_then(|id| numbers.get(id).copied()),
            id: line.id,
            kind: line.kind,
            at: time(line.at),
            attempts: line.attempts,
            max_attempts: line.max_attempts,
            last_error: line.last_error,
            sent_again_by: line.sent_again_by.map(|actor| Who::stored(&catalog, &actor)),
            seq: line.seq,
        };
        let views = lines.into_iter().map(view).collect();
        Ok(Page::of(views, limit, |view: &JobView| view.seq.to_string()))
    }

    /// The audit stream: events of every change after `seq`, oldest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn audit_events(&self, seq: i64, limit: u64) -> Result<Vec<AuditEvent>, StoreError> {
        let events = store::changes::events_after(self.db(), seq, limit).await?;
        self.with_places(events).await
    }

    /// The newest events of every change below `before`, newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn newest_events(
        &self,
        before: Option<i64>,
        limit: u64,
    ) -> Result<Page<AuditEvent>, StoreError> {
        let events = store::views::newest_events(self.db(), before, limit + 1).await?;
        let events = self.with_places(events).await?;
        Ok(Page::of(events, limit, |event: &AuditEvent| {
            event.event.seq.to_string()
        }))
    }

    /// The event behind a leaf, with the leaf's hash and the bytes that were sealed.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn leaf_view(&self, index: u64) -> Result<Option<LeafView>, StoreError> {
        let Some((stored, hash)) = store::views::leaf(self.db(), index).await? else {
            return Ok(None);
        };
        let body = String::from_utf8_lossy(&stored.body).into_owned();
        let event = self.with_places(vec![stored]).await?.pop();
        Ok(event.map(|event| LeafView { event, hash, body }))
    }

    async fn with_places(&self, events: Vec<StoredEvent>) -> Result<Vec<AuditEvent>, StoreError> {
        let places = store::views::places(self.db(), events.iter().map(|event| event.seq).collect()).await?;
        let ids = events.iter().map(|event| event.change_id.clone()).collect();
        let numbers = store::views::numbers(self.db(), ids).await?;
        let (_, catalog) = self.catalog().await?;
        // What is in the stream besides changes (charges, calls) has no event of a change and is left out.
        Ok(events
            .into_iter()
            .filter_map(|stored| {
                let event = stored.event().ok()?;
                Some(AuditEvent {
                    change: numbers.get(&stored.change_id).copied(),
                    event: EventView {
                        seq: stored.seq,
                        n: stored.n,
                        kind: stored.kind,
                        at: time(stored.at),
                        actor: Who::stored(&catalog, &stored.actor),
                        leaf: places.get(&stored.seq).copied(),
                        note: None,
                        event,
                    },
                })
            })
            .collect())
    }
}

/// A leaf of the ledger with what it stands for.
#[derive(Clone, Debug, Serialize)]
pub struct LeafView {
    /// The event.
    pub event: AuditEvent,
    /// The leaf's hash.
    pub hash: crate::values::Digest,
    /// The bytes that were sealed.
    pub body: String,
}

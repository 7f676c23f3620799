//! Filing a change: the command that has no change yet.

use std::collections::BTreeSet;

use super::{
    Engine, HandleError, Note, Outcome,
    door::repeated,
    facts::terms,
    rows::{Decided, Written},
};
use crate::{
    catalog::{Catalog, fault::nearest},
    change::{command::Proposal, event::Event},
    store::{self, commit::Committed, error::StoreError},
    values::{Actor, ChangeId, ChangeNumber, Digest, PersonId, Revision, Route, WorkflowId},
};

/// A request for a new change.
#[derive(Clone, Debug)]
pub struct Filing {
    /// Who files it.
    pub requester: PersonId,
    /// As for a command.
    pub key: String,
    /// For which workflow.
    pub workflow: WorkflowId,
    /// The catalog's id of the proposed route.
    pub candidate: String,
    /// Whether it is to save money.
    pub claims_savings: bool,
    /// Who wrote it with the requester.
    pub co_authors: BTreeSet<PersonId>,
    /// Why.
    pub reason: Option<Note>,
    /// An ended change that it takes up again.
    pub cites: Option<ChangeNumber>,
    /// Whether it is handed in at once, or stays a draft.
    pub submit: bool,
}

/// A new change, ready to be written.
pub(super) struct Opening<'a> {
    /// As for a command.
    pub(super) key: &'a str,
    /// What was asked, for repeats.
    pub(super) payload: Digest,
    /// What it is for.
    pub(super) workflow: WorkflowId,
    /// Who files it.
    pub(super) requester: &'a PersonId,
    /// What is proposed.
    pub(super) proposal: Proposal,
    /// An ended change that it takes up again.
    pub(super) cites: Option<ChangeNumber>,
    /// Why.
    pub(super) reason: &'a [Note],
    /// The catalog that it is handed in under at once; none for a draft.
    pub(super) submitted_under: Option<Digest>,
    /// The catalog of this moment.
    pub(super) catalog: &'a Catalog,
}

impl Engine {
    /// Files a change; exactly one for the key.
    ///
    /// # Errors
    /// [`HandleError::Invalid`] with a sentence that names what the catalog does not have, and what comes near.
    #[tracing::instrument(skip_all, fields(workflow = %filing.workflow))]
    pub async fn file(&self, filing: Filing) -> Result<Outcome, HandleError> {
        let payload = Digest::of(format!("{filing:?}", filing = fingerprint(&filing)).as_bytes());
        let grounds = store::grounds::of_filing(&self.db, &filing.key, filing.workflow.as_str()).await?;
        if let Some(stored) = grounds.answered {
            return repeated(&filing.key, payload, stored.payload_sha256, &stored.result);
        }
        let (digest, catalog) = self.catalog_now(grounds.catalog).await?;
        let proposal = proposal(&catalog, grounds.live, &filing)?;
        if filing.submit && proposal.candidate.digest() == proposal.baseline.digest() {
            return Err(HandleError::Invalid(format!(
                "{} is served by {} already; pick another candidate",
                filing.workflow, filing.candidate
            )));
        }
        self.open(Opening {
            key: &filing.key,
            payload,
            workflow: filing.workflow.clone(),
            requester: &filing.requester,
            proposal,
            cites: filing.cites,
            reason: filing.reason.as_slice(),
            submitted_under: filing.submit.then_some(digest),
            catalog: &catalog,
        })
        .await
    }

    /// Writes a new change with its first events.
    pub(super) async fn open(&self, opening: Opening<'_>) -> Result<Outcome, HandleError> {
        let mut events = vec![Event::Filed {
            id: ChangeId(self.clock.new_id().to_string()),
            number: store::changes::next_number(&self.db).await?,
            workflow: opening.workflow,
            requester: opening.requester.clone(),
            proposal: opening.proposal,
            cites: opening.cites,
        }];
        events.extend(opening.submitted_under.map(|catalog| Event::Submitted {
            revision: Revision(1),
            catalog,
        }));
        let actor = Actor::Person(opening.requester.clone());
        let Written {
            commit,
            outcome,
            after,
        } = self.rows(&Decided {
            before: None,
            catalog: opening.submitted_under,
            rules: self.definitions.filing(),
            events,
            actor: &actor,
            key: opening.key,
            payload: opening.payload,
            notes: opening.reason,
            terms: &terms(opening.catalog),
            at: self.clock.now(),
        })?;
        match store::commit::commit(&self.db, commit).await? {
            Committed::Applied => {
                self.tell(&outcome);
                self.remember(after, opening.submitted_under);
                Ok(outcome)
            }
            Committed::KeyTaken {
                payload_sha256,
                result,
            } => repeated(opening.key, opening.payload, payload_sha256, &result),
            Committed::VersionMoved | Committed::ClaimLost => Err(HandleError::Busy),
        }
    }

    /// What serves `workflow` now: what a change last made live, else what the catalog says.
    ///
    /// # Errors
    /// When the workflow or its route is not in the catalog.
    pub async fn live_route(&self, workflow: &str) -> Result<Route, HandleError> {
        let (_, catalog) = self.catalog().await?;
        let live = store::routes::live(&self.db, workflow).await?;
        serving(&catalog, workflow, live.map(|live| live.route))
    }

    /// What `filing` proposes, with the routes as they stand now.
    ///
    /// # Errors
    /// As [`Engine::file`].
    pub async fn proposal(&self, filing: &Filing) -> Result<Proposal, HandleError> {
        let grounds = store::grounds::of_filing(&self.db, &filing.key, filing.workflow.as_str()).await?;
        let (_, catalog) = self.catalog_now(grounds.catalog).await?;
        proposal(&catalog, grounds.live, filing)
    }
}

/// What serves `workflow`: what a change last made `live`, else what the catalog says.
fn serving(catalog: &Catalog, workflow: &str, live: Option<Route>) -> Result<Route, HandleError> {
    let entry = catalog.workflow(workflow).ok_or_else(|| {
        unknown(
            "workflow",
            workflow,
            catalog.workflows.iter().map(|it| it.id.as_str()),
        )
    })?;
    live.map_or_else(|| route(catalog, &entry.route), Ok)
}

/// What is proposed, with the routes as they stand now.
fn proposal(catalog: &Catalog, live: Option<Route>, filing: &Filing) -> Result<Proposal, HandleError> {
    let baseline = serving(catalog, filing.workflow.as_str(), live)?;
    person_of(catalog, &filing.requester)?;
    Ok(Proposal {
        candidate: route(catalog, &filing.candidate)?,
        baseline,
        claims_savings: filing.claims_savings,
        co_authors: filing.co_authors.clone(),
        reason: filing.reason.as_ref().map(|note| note.reference.clone()),
    })
}

/// Whoever files must be somebody of the catalog.
pub(super) fn person_of(catalog: &Catalog, requester: &PersonId) -> Result<(), HandleError> {
    match catalog.person(requester.as_str()) {
        Some(_) => Ok(()),
        None => Err(HandleError::Invalid(format!(
            "{requester} is not among the catalog's people; ask a platform engineer to add them"
        ))),
    }
}

fn route(catalog: &Catalog, id: &str) -> Result<Route, HandleError> {
    catalog
        .route(id)
        .map(crate::catalog::CatalogRoute::route)
        .ok_or_else(|| unknown("route", id, catalog.routes.iter().map(|it| it.id.as_str())))
}

fn unknown<'name>(what: &str, name: &str, known: impl Iterator<Item = &'name str>) -> HandleError {
    let hint = nearest(name, known)
        .map(|near| format!("; did you mean `{near}`?"))
        .unwrap_or_default();
    HandleError::Invalid(format!("the catalog has no {what} `{name}`{hint}"))
}

/// What makes two filings the same: everything but the key and the salts.
fn fingerprint(filing: &Filing) -> impl std::fmt::Debug + '_ {
    (
        &filing.requester,
        &filing.workflow,
        &filing.candidate,
        filing.claims_savings,
        &filing.co_authors,
        filing.reason.as_ref().map(|note| &note.text),
        filing.cites,
        filing.submit,
    )
}

/// The store knows more ways to fail than filing can meet.
impl From<serde_json::Error> for HandleError {
    fn from(error: serde_json::Error) -> Self {
        Self::Store(StoreError::from(error))
    }
}

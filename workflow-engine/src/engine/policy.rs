//! A change of the policy: proposed, reviewed against what stands, and put in force once it is approved.

use super::{
    Engine, HandleError, Note, Outcome,
    catalog::ApplyError,
    door::repeated,
    file::{Opening, person_of},
};
use crate::{
    catalog::Catalog,
    change::{
        command::Proposal,
        state::{Change, State},
    },
    policy::{
        Asked, Measured,
        change::{POLICY, PolicyParts, Review, Standing, digest_of, edition, review},
    },
    store::{self, error::StoreError, views::Filter},
    values::{Actor, Digest, PersonId, WorkflowId},
};

/// Open changes that a review looks at; a company has a handful.
const OPEN: u64 = 500;

/// A request for another policy.
#[derive(Clone, Debug)]
pub struct PolicyProposal {
    /// Who proposes it.
    pub requester: PersonId,
    /// As for a command.
    pub key: String,
    /// What is proposed.
    pub parts: PolicyParts,
    /// Why.
    pub reason: Option<Note>,
}

impl Engine {
    /// Files a change of the policy and hands it in; exactly one for the key. It is in force only once it is approved.
    ///
    /// # Errors
    /// [`HandleError::Invalid`] when nothing differs, or the requester is nobody of the catalog.
    #[tracing::instrument(skip_all)]
    pub async fn propose_policy(&self, proposal: PolicyProposal) -> Result<Outcome, HandleError> {
        let reason = proposal.reason.as_ref().map(|note| &note.text);
        let asked = format!("{:?}", (&proposal.requester, proposal.parts.digest(), reason));
        let payload = Digest::of(asked.as_bytes());
        if let Some(stored) = store::changes::answered(&self.db, &proposal.key).await? {
            return repeated(&proposal.key, payload, stored.payload_sha256, &stored.result);
        }
        let (digest, catalog) = self.catalog().await?;
        person_of(&catalog, &proposal.requester)?;
        let now = PolicyParts::of(&catalog);
        if now.digest() == proposal.parts.digest() {
            return Err(HandleError::Invalid(
                "this is the policy that is in force already".to_owned(),
            ));
        }
        let at = self.clock.now().timestamp_millis();
        let before = store::policies::keep(&self.db, &now, at).await?;
        let after = store::policies::keep(&self.db, &proposal.parts, at).await?;
        self.open(Opening {
            key: &proposal.key,
            payload,
            workflow: WorkflowId(POLICY.to_owned()),
            requester: &proposal.requester,
            proposal: Proposal {
                candidate: edition(after),
                baseline: edition(before),
                claims_savings: false,
                co_authors: std::collections::BTreeSet::new(),
                reason: proposal.reason.as_ref().map(|note| note.reference.clone()),
            },
            cites: None,
            reason: proposal.reason.as_slice(),
            submitted_under: Some(digest),
            catalog: &catalog,
        })
        .await
    }

    /// What `after` would decide differently from the catalog that holds: of all pairs, of what serves now, and of the
    /// changes that are open.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn policy_review(&self, after: &Catalog) -> Result<Review, StoreError> {
        let (_, before) = self.catalog().await?;
        let mut standing = Vec::new();
        for workflow in &before.workflows {
            let live = store::routes::live(&self.db, workflow.id.as_str()).await?;
            let listed = || {
                before
                    .route(&workflow.route)
                    .map(crate::catalog::CatalogRoute::route)
            };
            if let Some(route) = live.map(|live| live.route).or_else(listed) {
                standing.push(Standing {
                    workflow: workflow.id.to_string(),
                    route,
                    change: None,
                    asked: Asked::default(),
                });
            }
        }
        let zone = before.company.time_zone;
        for change in self.open_changes().await? {
            standing.push(Standing {
                workflow: change.workflow.to_string(),
                route: change.candidate.clone(),
                change: Some(change.number.0),
                asked: Asked {
                    claims_savings: change.claims_savings,
                    measured: self.measured(&change, zone).await?,
                    ..Asked::default()
                },
            });
        }
        let today = self.clock.now().with_timezone(&zone).date_naive();
        Ok(review(&before, after, &standing, today))
    }

    /// The catalog that holds, with the edition that a change of the policy proposes in place of its policy.
    ///
    /// # Errors
    /// When the database does not answer, or has no such edition.
    pub async fn with_edition(&self, digest: Digest) -> Result<Catalog, StoreError> {
        let parts = store::policies::by_digest(&self.db, digest).await?;
        let parts = parts.ok_or_else(|| {
            StoreError::Corrupt(format!("edition {} of the policy is gone", digest.short()))
        })?;
        let (_, now) = self.catalog().await?;
        Ok(parts.in_place_of(&now))
    }

    /// Puts the policy of an approved `change` in force, or the one before it back with `back`. The requester counts as
    /// its editor.
    ///
    /// # Errors
    /// As [`Engine::apply_catalog`], but for the approval, which the change has.
    pub async fn put_policy_in_force(&self, change: &Change, back: bool) -> Result<(), ApplyError> {
        let route = if back { &change.baseline } else { &change.candidate };
        let digest =
            digest_of(route).ok_or_else(|| StoreError::Corrupt("not an edition of the policy".to_owned()))?;
        let catalog = self.with_edition(digest).await?;
        let editor = Actor::Person(change.requester.clone());
        self.put_in_force(&catalog, &editor, Some(change.number))
            .await
            .map(drop)
    }

    /// Changes of routes that are decided on or wait to be applied.
    async fn open_changes(&self) -> Result<Vec<Change>, StoreError> {
        let filter = Filter {
            states: vec![
                State::Submitted,
                State::ShadowTesting,
                State::PolicyCheck,
                State::AwaitingApproval,
                State::Approved,
            ],
            ..Filter::default()
        };
        let mut open = store::views::changes(&self.db, &filter, OPEN).await?;
        open.retain(|change| change.workflow.as_str() != POLICY);
        open.reverse();
        Ok(open)
    }

    /// What the finished test of a change found.
    async fn measured(&self, change: &Change, zone: chrono_tz::Tz) -> Result<Option<Measured>, StoreError> {
        let Some(test) = change.test.as_ref().filter(|test| test.verdict.is_some()) else {
            return Ok(None);
        };
        let run = store::shadow::by_id(&self.db, &test.run).await?;
        let found = run.and_then(|run| Some((run.report?, run.finished_at?)));
        let Some((report, finished)) = found else {
            return Ok(None);
        };
        let on = chrono::DateTime::from_timestamp_millis(finished).unwrap_or_default();
        Ok(Some(Measured {
            report: serde_json::from_str(&report)?,
            on: on.with_timezone(&zone).date_naive(),
        }))
    }
}

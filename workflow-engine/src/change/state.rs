//! Where a change stands, and everything that its rules look at.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::slots::{Concern, Delegation, Question, Slot};
use crate::{
    catalog::RiskTier,
    values::{ChangeId, ChangeNumber, Digest, PersonId, Revision, Route, RunId, WorkflowId},
};

/// Where a change stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Being written; nothing has left the company.
    Draft,
    /// Recorded; the admission check is due.
    Submitted,
    /// Recorded calls are being replayed on both routes.
    ShadowTesting,
    /// The evidence is there; the policy is being asked.
    PolicyCheck,
    /// The packet is sealed; people decide.
    AwaitingApproval,
    /// Everybody who must agree has agreed; waits for its moment.
    Approved,
    /// The gateway is being given the route, or somebody has its instructions.
    Applying,
    /// The gateway did not take the route; people must look.
    ApplyFailed,
    /// The gateway has the route; calls on it are awaited.
    Verifying,
    /// Seen in traffic. Only a rollback, a change of its own, comes after.
    Completed,
    /// An approver said no. Final.
    Rejected,
    /// Nobody completed it in time. Final.
    Expired,
    /// The requester took it back. Final.
    Withdrawn,
    /// The policy does not allow it. Final.
    PolicyDenied,
    /// The test could not be run. Final.
    ShadowFailed,
    /// Applied, then taken back. Final.
    RolledBack,
}

impl State {
    /// Every state, in the order a change goes through them.
    pub const ALL: [Self; 16] = [
        Self::Draft,
        Self::Submitted,
        Self::ShadowTesting,
        Self::PolicyCheck,
        Self::AwaitingApproval,
        Self::Approved,
        Self::Applying,
        Self::ApplyFailed,
        Self::Verifying,
        Self::Completed,
        Self::Rejected,
        Self::Expired,
        Self::Withdrawn,
        Self::PolicyDenied,
        Self::ShadowFailed,
        Self::RolledBack,
    ];

    /// The word in JSON, in the database and in the diagram.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Submitted => "submitted",
            Self::ShadowTesting => "shadow_testing",
            Self::PolicyCheck => "policy_check",
            Self::AwaitingApproval => "awaiting_approval",
            Self::Approved => "approved",
            Self::Applying => "applying",
            Self::ApplyFailed => "apply_failed",
            Self::Verifying => "verifying",
            Self::Completed => "completed",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
            Self::PolicyDenied => "policy_denied",
            Self::ShadowFailed => "shadow_failed",
            Self::RolledBack => "rolled_back",
        }
    }

    /// The words a person reads.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Draft => "Draft",
            Self::Submitted => "Submitted",
            Self::ShadowTesting => "Testing",
            Self::PolicyCheck => "Policy check",
            Self::AwaitingApproval => "Awaiting approval",
            Self::Approved => "Approved",
            Self::Applying => "Applying",
            Self::ApplyFailed => "Apply failed",
            Self::Verifying => "Verifying",
            Self::Completed => "Completed",
            Self::Rejected => "Denied",
            Self::Expired => "Expired",
            Self::Withdrawn => "Withdrawn",
            Self::PolicyDenied => "Not allowed by policy",
            Self::ShadowFailed => "Test failed",
            Self::RolledBack => "Rolled back",
        }
    }

    /// The public stage: DORA's six verbs.
    #[must_use]
    pub fn stage(self) -> Option<&'static str> {
        match self {
            Self::Draft => None,
            Self::Submitted => Some("recorded"),
            Self::ShadowTesting => Some("tested"),
            Self::PolicyCheck | Self::AwaitingApproval => Some("assessed"),
            Self::Approved => Some("approved"),
            Self::Applying | Self::ApplyFailed | Self::Verifying => Some("implemented"),
            Self::Completed => Some("verified"),
            Self::Rejected
            | Self::Expired
            | Self::Withdrawn
            | Self::PolicyDenied
            | Self::ShadowFailed
            | Self::RolledBack => Some("ended"),
        }
    }

    /// Whether nothing can happen to it any more: its state stays as it is whatever is asked.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(
            self,
            Self::Completed
                | Self::Rejected
                | Self::Expired
                | Self::Withdrawn
                | Self::PolicyDenied
                | Self::ShadowFailed
                | Self::RolledBack
        )
    }
}

impl std::str::FromStr for State {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| format!("`{text}` is no state of a change"))
    }
}

/// A change with all that its rules look at. Built by replaying its events; stored beside them for reading.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Its id.
    pub id: ChangeId,
    /// What people call it.
    pub number: ChangeNumber,
    /// The workflow that would be served differently.
    pub workflow: WorkflowId,
    /// Where it stands.
    pub state: State,
    /// Its edition; votes name it.
    pub revision: Revision,
    /// How many events it has had.
    pub events: u32,
    /// Who filed it.
    pub requester: PersonId,
    /// Who wrote it with them; barred like the requester.
    pub co_authors: BTreeSet<PersonId>,
    /// What serves the workflow today.
    pub baseline: Route,
    /// What is proposed.
    pub candidate: Route,
    /// Whether it is filed to save money: then cost is a gate.
    pub claims_savings: bool,
    /// Why, in the requester's words; the text is in an erasable table.
    pub reason: Option<NoteRef>,
    /// An ended change that this one takes up again.
    pub cites: Option<ChangeNumber>,
    /// When it was filed.
    pub filed_at: DateTime<Utc>,
    /// Digest of the catalog, policy included, that holds for it: the one at submit.
    pub catalog: Option<Digest>,
    /// The frozen test plan and its run.
    pub test: Option<Test>,
    /// What the policy said, and how risky it is.
    pub assessment: Option<Assessment>,
    /// What people vote on.
    pub packet: Option<Digest>,
    /// Who must agree.
    pub slots: Vec<Slot>,
    /// Objections, open and settled.
    pub concerns: Vec<Concern>,
    /// Questions, open and answered; an open one stops the clock.
    pub questions: Vec<Question>,
    /// Who decides for whom.
    pub delegations: Vec<Delegation>,
    /// When it expires, if nothing happens.
    pub deadline_at: Option<DateTime<Utc>>,
    /// Set when it was approved; `until` is the last moment at which it may be applied.
    pub approval: Option<Approval>,
    /// How it reached the gateway.
    pub application: Option<Application>,
    /// Why it ended, for the ended states.
    pub ending: Option<String>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// Text that a person wrote, kept in an erasable row; only its salted commitment is in the event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoteRef {
    /// Row of the note table.
    pub id: String,
    /// HMAC-SHA256 of the text under the row's salt.
    pub commitment: Digest,
}

/// The test of one revision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Test {
    /// SHA-256 of the frozen plan; in the ledger before the first replay.
    pub plan: Digest,
    /// Its run.
    pub run: RunId,
    /// The verdict, once there is one.
    pub verdict: Option<TestVerdict>,
    /// Runs of earlier plans of this change, oldest first.
    pub earlier: Vec<RunId>,
    /// Whether somebody has stopped it for the moment.
    #[serde(default)]
    pub paused: bool,
}

/// What a finished test says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestVerdict {
    /// `eligible`, `not_eligible` or `inconclusive`.
    pub outcome: String,
    /// SHA-256 of the whole report.
    pub report: Digest,
}

/// What the policy said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assessment {
    /// How risky the change is.
    pub tier: RiskTier,
    /// SHA-256 of the full decision.
    pub decision: Digest,
    /// Ids of the controls that decided.
    pub controls: Vec<String>,
}

/// A granted approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// When the last slot was filled.
    pub at: DateTime<Utc>,
    /// The last moment at which it may be applied.
    pub until: DateTime<Utc>,
    /// The packet that was approved.
    pub packet: Digest,
    /// Set when the emergency path was taken instead of the votes.
    pub break_glass: Option<BreakGlass>,
}

/// The emergency path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakGlass {
    /// Who opened it.
    pub by: PersonId,
    /// Why.
    pub reason: NoteRef,
    /// When the route goes back by itself unless the review accepted it.
    pub review_by: DateTime<Utc>,
    /// Who reviewed it afterwards.
    pub reviewed_by: Option<PersonId>,
}

/// How the route reached the gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    /// Rises with every write to a gateway; an older one is refused there.
    pub generation: u64,
    /// When it began.
    pub since: DateTime<Utc>,
    /// Whether people apply it from instructions, because the gateway is read-only to us.
    pub by_hand: bool,
    /// Digest of what the gateway read back.
    pub read_back: Option<Digest>,
    /// Calls seen on the new route at verification.
    pub calls_seen: Option<u64>,
    /// What does not agree with the approval, while verifying.
    pub drift: Option<String>,
}

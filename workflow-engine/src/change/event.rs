//! What happened: past tense, stored for ever, never changed. Only opaque ids, digests and commitments of people's words.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    attached::Attached,
    command::Proposal,
    slots::{Concern, Delegation, Question, Slot, Vote},
    state::{Application, Approval, Assessment, NoteRef, TestVerdict},
};
use crate::values::{ChangeId, ChangeNumber, Digest, JobId, PersonId, Revision, Role, RunId, WorkflowId};

/// What happened to a change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// Somebody began it.
    Filed {
        /// Its id.
        id: ChangeId,
        /// Its number.
        number: ChangeNumber,
        /// For which workflow.
        workflow: WorkflowId,
        /// By whom.
        requester: PersonId,
        /// What is proposed.
        proposal: Proposal,
        /// An ended change that it takes up again.
        cites: Option<ChangeNumber>,
    },
    /// The draft was changed.
    Edited {
        /// To what.
        proposal: Proposal,
        /// By whom.
        by: PersonId,
    },
    /// It was handed in.
    Submitted {
        /// Its edition.
        revision: Revision,
        /// Digest of the catalog and policy that hold for it.
        catalog: Digest,
    },
    /// The data may be shown to the candidate.
    Admitted {
        /// SHA-256 of the decision.
        decision: Digest,
    },
    /// No test is needed.
    TestWaived {
        /// SHA-256 of the decision.
        decision: Digest,
    },
    /// It may not; nothing was sent.
    AdmissionRefused {
        /// SHA-256 of the decision.
        decision: Digest,
        /// Ids of the controls that failed.
        controls: Vec<String>,
        /// The sentence people read.
        why: String,
    },
    /// The plan is fixed; nothing has been replayed yet.
    PlanFrozen {
        /// SHA-256 of the plan.
        plan: Digest,
        /// Its run.
        run: RunId,
    },
    /// The test stands still.
    TestPaused {
        /// By whom.
        by: PersonId,
    },
    /// The test goes on.
    TestResumed {
        /// By whom.
        by: PersonId,
    },
    /// The evidence is complete.
    EvidenceSubmitted {
        /// Of which run.
        run: RunId,
        /// What it says.
        verdict: TestVerdict,
    },
    /// There is no evidence.
    TestFailed {
        /// The sentence people read.
        why: String,
    },
    /// The policy allows it; people decide on this packet.
    PacketSealed {
        /// What the policy said.
        assessment: Assessment,
        /// Digest of the packet.
        packet: Digest,
        /// Who must agree, with votes that were kept.
        slots: Vec<Slot>,
        /// When it expires.
        deadline_at: DateTime<Utc>,
    },
    /// The policy does not allow it.
    PolicyDenied {
        /// What the policy said.
        assessment: Assessment,
        /// Digest of the packet that shows why.
        packet: Digest,
        /// The sentence people read.
        why: String,
    },
    /// Somebody agreed.
    VoteCast {
        /// In which slot.
        role: Role,
        /// What they said.
        vote: Vote,
    },
    /// Somebody objected; blocks until settled.
    ConcernRaised(Concern),
    /// The objection is settled.
    ConcernResolved {
        /// Which.
        number: u32,
        /// By whom.
        by: PersonId,
    },
    /// Somebody asked; the clock stands still.
    InformationAsked(Question),
    /// The question is answered; the deadline moved on.
    InformationGiven {
        /// Which.
        number: u32,
        /// By whom.
        by: PersonId,
        /// The answer.
        note: NoteRef,
        /// The new deadline.
        deadline_at: Option<DateTime<Utc>>,
    },
    /// Somebody stood down.
    Recused {
        /// In which slot.
        role: Role,
        /// Who.
        by: PersonId,
    },
    /// Somebody else decides.
    Delegated(Delegation),
    /// Silent approvers were reminded.
    Reminded {
        /// Of which roles.
        roles: BTreeSet<Role>,
    },
    /// The next people may decide.
    Escalated {
        /// In which roles.
        roles: BTreeSet<Role>,
    },
    /// Everybody agreed, or the emergency path was taken.
    Approved(Approval),
    /// Somebody said no.
    Rejected {
        /// For which role.
        role: Role,
        /// Who.
        by: PersonId,
        /// Why.
        note: NoteRef,
    },
    /// Something else is proposed; it is tested anew and votes fall.
    Revised {
        /// What.
        proposal: Proposal,
        /// Its edition.
        revision: Revision,
        /// Digest of the catalog and policy that hold for it now.
        catalog: Digest,
    },
    /// The requester took it back.
    Withdrawn {
        /// Who.
        by: PersonId,
    },
    /// Time was up.
    Expired,
    /// An approval was taken back.
    Revoked {
        /// Who.
        by: PersonId,
        /// Why.
        note: NoteRef,
    },
    /// An emergency change was looked at afterwards.
    BreakGlassReviewed {
        /// By whom.
        by: PersonId,
        /// Whether it may stay.
        accept: bool,
        /// What they wrote.
        note: NoteRef,
    },
    /// The gateway is being given the route.
    ApplyStarted(Application),
    /// The gateway has it.
    Applied {
        /// Of which generation.
        generation: u64,
        /// Digest of what was read back.
        read_back: Option<Digest>,
    },
    /// The gateway did not take it.
    ApplyFailed {
        /// The sentence people read.
        why: String,
    },
    /// Calls are on the new route.
    Verified {
        /// How many were seen.
        calls_seen: u64,
    },
    /// What runs is not what was approved.
    Drifted {
        /// The sentence people read.
        why: String,
    },
    /// The old route is to come back.
    RolledBack {
        /// Who, or the emergency timer.
        by: Option<PersonId>,
        /// Why.
        note: Option<NoteRef>,
        /// The generation of the write that brings it back.
        generation: u64,
    },
    /// The old route is back.
    Restored {
        /// Of which generation.
        generation: u64,
    },
    /// Somebody said something.
    Commented {
        /// Who.
        by: PersonId,
        /// What.
        note: NoteRef,
    },
    /// A catalog was put in force. No change's: it stands in a stream of its own.
    CatalogApplied(CatalogApplied),
    /// Somebody looked at prompts and answers of the test.
    ContentViewed {
        /// Who.
        by: PersonId,
        /// Of which run.
        run: RunId,
        /// How many traces.
        traces: u32,
    },
    /// What the test saw is erased: the key to it is destroyed.
    ContentErased {
        /// Of which run.
        run: RunId,
    },
    /// Somebody attached results of another tool; they decide nothing.
    EvidenceAttached {
        /// Who.
        by: PersonId,
        /// What.
        file: Attached,
    },
    /// An effect was given up; people must look.
    JobDied {
        /// The job's kind.
        job: String,
        /// The sentence people read.
        why: String,
    },
    /// A step that was given up was sent again, by whoever the event is of.
    JobSentAgain {
        /// The job.
        id: JobId,
        /// Its kind.
        job: String,
    },
    /// It follows another version of the rules from now on, by the person whom the event is of.
    Migrated {
        /// The version it followed.
        from: u32,
        /// The version it follows.
        to: u32,
    },
}

/// What the ledger keeps of a catalog that was put in force: digests, and which parts differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogApplied {
    /// Digest of the catalog before.
    pub before: Digest,
    /// Digest of the one that holds now.
    pub after: Digest,
    /// Digest of the list of differences, as `catalog diff --format json` writes it under `differences`.
    pub diff_sha256: Digest,
    /// The top-level parts that differ.
    pub parts: Vec<String>,
    /// Whether the policy is among them.
    pub policy: bool,
    /// The approved change of the policy that it follows, if it does.
    pub change: Option<ChangeNumber>,
}

impl Event {
    /// The word in the database and in the audit stream.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Filed { .. } => "filed",
            Self::Edited { .. } => "edited",
            Self::Submitted { .. } => "submitted",
            Self::Admitted { .. } => "admitted",
            Self::TestWaived { .. } => "test_waived",
            Self::AdmissionRefused { .. } => "admission_refused",
            Self::PlanFrozen { .. } => "plan_frozen",
            Self::TestPaused { .. } => "test_paused",
            Self::TestResumed { .. } => "test_resumed",
            Self::EvidenceSubmitted { .. } => "evidence_submitted",
            Self::TestFailed { .. } => "test_failed",
            Self::PacketSealed { .. } => "packet_sealed",
            Self::PolicyDenied { .. } => "policy_denied",
            Self::VoteCast { .. } => "vote_cast",
            Self::ConcernRaised(_) => "concern_raised",
            Self::ConcernResolved { .. } => "concern_resolved",
            Self::InformationAsked(_) => "information_asked",
            Self::InformationGiven { .. } => "information_given",
            Self::Recused { .. } => "recused",
            Self::Delegated(_) => "delegated",
            Self::Reminded { .. } => "reminded",
            Self::Escalated { .. } => "escalated",
            Self::Approved(_) => "approved",
            Self::Rejected { .. } => "rejected",
            Self::Revised { .. } => "revised",
            Self::Withdrawn { .. } => "withdrawn",
            Self::Expired => "expired",
            Self::Revoked { .. } => "revoked",
            Self::BreakGlassReviewed { .. } => "break_glass_reviewed",
            Self::ApplyStarted(_) => "apply_started",
            Self::Applied { .. } => "applied",
            Self::ApplyFailed { .. } => "apply_failed",
            Self::Verified { .. } => "verified",
            Self::Drifted { .. } => "drifted",
            Self::RolledBack { .. } => "rolled_back",
            Self::Restored { .. } => "restored",
            Self::Commented { .. } => "commented",
            Self::CatalogApplied(_) => "catalog_applied",
            Self::EvidenceAttached { .. } => "evidence_attached",
            Self::ContentViewed { .. } => "content_viewed",
            Self::ContentErased { .. } => "content_erased",
            Self::JobDied { .. } => "job_died",
            Self::JobSentAgain { .. } => "job_sent_again",
            Self::Migrated { .. } => "migrated",
        }
    }
}

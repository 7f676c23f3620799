//! What somebody asks for: imperative, with everything the rules need to answer.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    attached::Attached,
    slots::{Conditions, Slot},
    state::{Assessment, NoteRef, TestVerdict},
};
use crate::values::{Digest, JobId, PersonId, Revision, Role, Route, RunId};

/// What somebody asks of a change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// The requester changes the draft.
    Edit(Proposal),
    /// The requester hands it in.
    Submit,
    /// The admission job: the data may be shown to the candidate.
    Admit {
        /// SHA-256 of the decision.
        decision: Digest,
    },
    /// The policy: this route needs no test.
    WaiveTest {
        /// SHA-256 of the decision that says so.
        decision: Digest,
    },
    /// The admission job: it may not, so nothing was sent.
    RefuseAdmission {
        /// SHA-256 of the decision.
        decision: Digest,
        /// Ids of the controls that failed.
        controls: Vec<String>,
        /// The sentence people read.
        why: String,
    },
    /// The test job: the plan is frozen, before anything is replayed.
    FreezePlan {
        /// SHA-256 of the plan.
        plan: Digest,
        /// Its run.
        run: RunId,
    },
    /// A person stops the test for the moment.
    PauseTest,
    /// A person lets it go on.
    ResumeTest,
    /// The test job: the evidence is complete.
    SubmitEvidence {
        /// Of which run.
        run: RunId,
        /// What it says.
        verdict: TestVerdict,
    },
    /// The test job, or a person who cancels it: there will be no evidence.
    FailTest {
        /// The sentence people read.
        why: String,
    },
    /// The assessment job: the policy allows it; here is the sealed packet and who must agree.
    Permit {
        /// What the policy said.
        assessment: Assessment,
        /// Digest of the sealed packet.
        packet: Digest,
        /// Who must agree; nobody has voted yet.
        slots: Vec<Slot>,
        /// When it expires.
        deadline_at: DateTime<Utc>,
    },
    /// The assessment job: the policy does not allow it.
    Deny {
        /// What the policy said.
        assessment: Assessment,
        /// Digest of the packet that shows why.
        packet: Digest,
        /// The sentence people read.
        why: String,
    },
    /// A person votes.
    Vote(Ballot),
    /// A person settles an objection: whoever raised it, or another of the same role.
    ResolveConcern {
        /// Which.
        number: u32,
    },
    /// A person answers a question.
    Answer {
        /// Which.
        number: u32,
        /// The answer.
        note: NoteRef,
    },
    /// A person lets somebody else decide in their place.
    Delegate {
        /// In which slot.
        role: Role,
        /// To whom.
        to: PersonId,
        /// Until when.
        until: DateTime<Utc>,
    },
    /// The requester proposes something else; votes fall.
    Revise(Proposal),
    /// The requester takes it back.
    Withdraw,
    /// A person says something.
    Comment {
        /// What.
        note: NoteRef,
    },
    /// A timer: nobody has moved for a while.
    Remind {
        /// For which revision it was set.
        revision: Revision,
    },
    /// A timer: the next people may decide.
    Escalate {
        /// For which revision it was set.
        revision: Revision,
    },
    /// A timer: time is up.
    Expire {
        /// For which revision it was set.
        revision: Revision,
    },
    /// A person takes the emergency path.
    BreakGlass {
        /// Why.
        reason: NoteRef,
    },
    /// A person reviews an emergency change afterwards.
    ReviewBreakGlass {
        /// Whether it may stay.
        accept: bool,
        /// What they wrote.
        note: NoteRef,
    },
    /// A person or the job: give it to the gateway now.
    Apply {
        /// Whether people apply it from instructions.
        by_hand: bool,
    },
    /// A person takes back an approval before it was applied.
    Revoke {
        /// Why.
        note: NoteRef,
    },
    /// The gateway job, or the person who applied by hand: the gateway has it.
    ConfirmApplied {
        /// Of which generation.
        generation: u64,
        /// Digest of what was read back.
        read_back: Option<Digest>,
    },
    /// The gateway job: it did not work.
    FailApply {
        /// The sentence people read.
        why: String,
    },
    /// A person: try again.
    RetryApply,
    /// The traffic job: calls are on the new route.
    ConfirmVerified {
        /// How many were seen.
        calls_seen: u64,
    },
    /// The traffic job: what runs is not what was approved.
    ReportMismatch {
        /// The sentence people read.
        why: String,
    },
    /// A person, or the emergency timer: back to the old route.
    RollBack {
        /// Why.
        note: Option<NoteRef>,
    },
    /// The gateway job: the old route is back.
    ConfirmRestored {
        /// Of which generation.
        generation: u64,
    },
    /// A cleared person looks at prompts and answers of the test.
    RecordViewing {
        /// Of which run.
        run: RunId,
        /// How many traces.
        traces: u32,
    },
    /// A person attaches results of another tool.
    AttachEvidence(Attached),
    /// The retention job: what the test saw is erased.
    RecordErasure {
        /// Of which run.
        run: RunId,
    },
    /// The job runner: an effect of this change was given up.
    ReportDeadJob {
        /// The job's kind.
        kind: String,
        /// The sentence people read.
        why: String,
    },
    /// An operator sends a job again that was given up.
    SendJobAgain {
        /// Which.
        id: JobId,
        /// Its kind.
        kind: String,
    },
    /// A person moves the change to another version of the rules.
    Migrate {
        /// The version it follows now.
        from: u32,
        /// The version it is to follow.
        to: u32,
    },
}

/// What a requester proposes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proposal {
    /// The route proposed.
    pub candidate: Route,
    /// What serves the workflow today.
    pub baseline: Route,
    /// Whether it is to save money.
    pub claims_savings: bool,
    /// Who wrote it with the requester.
    pub co_authors: BTreeSet<PersonId>,
    /// Why.
    pub reason: Option<NoteRef>,
}

/// A vote as it is cast.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ballot {
    /// For which slot; when left out, the one slot that the voter may fill.
    pub role: Option<Role>,
    /// The edition the voter saw.
    pub revision: Revision,
    /// The packet the voter saw.
    pub packet: Digest,
    /// What they say.
    pub grade: Grade,
    /// What they wrote.
    pub note: Option<NoteRef>,
}

/// What a voter may say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// Yes.
    Approve,
    /// Yes, if.
    ApproveWithConditions(Conditions),
    /// Not until this is settled; needs a note.
    RaiseConcern,
    /// I cannot tell yet; needs a note, stops the clock.
    AskForInformation,
    /// No; needs a note.
    Deny,
    /// Somebody else should decide.
    Recuse,
}

impl Command {
    /// The word in logs, in the ledger and in the diagram.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Edit(_) => "edit",
            Self::Submit => "submit",
            Self::Admit { .. } => "admit",
            Self::WaiveTest { .. } => "waive test",
            Self::RefuseAdmission { .. } => "refuse admission",
            Self::FreezePlan { .. } => "freeze plan",
            Self::PauseTest => "pause test",
            Self::ResumeTest => "resume test",
            Self::SubmitEvidence { .. } => "submit evidence",
            Self::FailTest { .. } => "fail test",
            Self::Permit { .. } => "permit",
            Self::Deny { .. } => "deny by policy",
            Self::Vote(ballot) => ballot.grade.name(),
            Self::ResolveConcern { .. } => "resolve concern",
            Self::Answer { .. } => "answer",
            Self::Delegate { .. } => "delegate",
            Self::Revise(_) => "revise",
            Self::Withdraw => "withdraw",
            Self::Comment { .. } => "comment",
            Self::Remind { .. } => "remind",
            Self::Escalate { .. } => "escalate",
            Self::Expire { .. } => "expire",
            Self::BreakGlass { .. } => "break glass",
            Self::ReviewBreakGlass { accept: true, .. } => "accept emergency",
            Self::ReviewBreakGlass { accept: false, .. } => "refuse emergency",
            Self::Apply { .. } => "apply",
            Self::Revoke { .. } => "revoke",
            Self::ConfirmApplied { .. } => "confirm applied",
            Self::FailApply { .. } => "fail apply",
            Self::RetryApply => "retry apply",
            Self::ConfirmVerified { .. } => "confirm verified",
            Self::ReportMismatch { .. } => "report mismatch",
            Self::RollBack { .. } => "roll back",
            Self::ConfirmRestored { .. } => "confirm restored",
            Self::AttachEvidence(_) => "attach evidence",
            Self::RecordViewing { .. } => "record viewing",
            Self::RecordErasure { .. } => "record erasure",
            Self::ReportDeadJob { .. } => "report dead job",
            Self::SendJobAgain { .. } => "send job again",
            Self::Migrate { .. } => "migrate",
        }
    }

    /// Whether only the service itself may send it.
    #[must_use]
    pub fn is_for_service(&self) -> bool {
        matches!(
            self,
            Self::Admit { .. }
                | Self::WaiveTest { .. }
                | Self::RefuseAdmission { .. }
                | Self::FreezePlan { .. }
                | Self::SubmitEvidence { .. }
                | Self::Permit { .. }
                | Self::Deny { .. }
                | Self::Remind { .. }
                | Self::Escalate { .. }
                | Self::Expire { .. }
                | Self::FailApply { .. }
                | Self::ConfirmVerified { .. }
                | Self::ReportMismatch { .. }
                | Self::ConfirmRestored { .. }
                | Self::RecordErasure { .. }
                | Self::ReportDeadJob { .. }
        )
    }
}

impl Grade {
    /// The word in logs, in the ledger and in the diagram.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::ApproveWithConditions(_) => "approve with conditions",
            Self::RaiseConcern => "raise concern",
            Self::AskForInformation => "ask for information",
            Self::Deny => "deny",
            Self::Recuse => "recuse",
        }
    }
}

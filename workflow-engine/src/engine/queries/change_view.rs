//! One change in full, as the API answers it and the change page shows it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use super::people::Who;
use crate::{
    change::{
        event::Event,
        slots::Conditions,
        state::{Application, Approval, Assessment, State},
    },
    evidence::{
        packet::{EarlierRun, Packet},
        supporting::Supporting,
    },
    values::{ChangeId, ChangeNumber, Digest, Revision, Role, Route, WorkflowId},
};

/// A change in JSON (surfaces.md §2); fields may be added, none renamed.
#[derive(Clone, Debug, Serialize)]
pub struct ChangeView {
    /// What people call it.
    pub number: ChangeNumber,
    /// Its id.
    pub id: ChangeId,
    /// The workflow.
    pub workflow: WorkflowId,
    /// Where it stands.
    pub state: State,
    /// The public stage; none for a draft.
    pub stage: Option<&'static str>,
    /// Its edition.
    pub revision: Revision,
    /// The version of the rules that it follows.
    pub definition_version: u32,
    /// Why nothing can happen to it here; none unless this program does not carry that version.
    pub frozen: Option<String>,
    /// What people vote on.
    pub packet_sha256: Option<Digest>,
    /// What serves the workflow today.
    pub baseline: Route,
    /// What is proposed.
    pub candidate: Route,
    /// Who filed it.
    pub requester: Who,
    /// Who wrote it with them.
    pub co_authors: Vec<Who>,
    /// Why, in the requester's words.
    pub reason: Option<String>,
    /// Whether it is filed to save money.
    pub claims_savings: bool,
    /// An ended change that it takes up again.
    pub cites: Option<ChangeNumber>,
    /// Who must agree.
    pub slots: Vec<SlotView>,
    /// Objections.
    pub concerns: Vec<TalkView>,
    /// Questions.
    pub questions: Vec<TalkView>,
    /// Who decides in whose place, until when.
    pub delegations: Vec<DelegationView>,
    /// The test: how far it is.
    pub test: Option<TestView>,
    /// What the test says, as `governor analyze` writes it.
    pub verdict: Option<Value>,
    /// What the policy says.
    pub policy: Option<Value>,
    /// How risky it is.
    pub assessment: Option<Assessment>,
    /// The test's cost, as in `verdict`.
    pub cost: Option<Value>,
    /// When it expires.
    pub deadline_at: Option<DateTime<Utc>>,
    /// When it was approved.
    pub approval: Option<Approval>,
    /// How it reached the gateway.
    pub application: Option<Application>,
    /// Why it ended.
    pub ending: Option<String>,
    /// When it was filed.
    pub filed_at: DateTime<Utc>,
    /// When it last moved.
    pub updated_at: DateTime<Utc>,
    /// Results of other tools that people attached, oldest first; they decide nothing.
    pub supporting: Vec<SupportingView>,
    /// Its place in the ledger.
    pub ledger: LedgerView,
    /// What people decide on, as it was sealed; over HTTP it has an address of its own.
    #[serde(skip)]
    pub packet: Option<Packet>,
    /// What happened, oldest first.
    pub events: Vec<EventView>,
}

/// One slot.
#[derive(Clone, Debug, Serialize)]
pub struct SlotView {
    /// Whose agreement.
    pub role: Role,
    /// The group behind it.
    pub group: String,
    /// How many are needed.
    pub needed: u32,
    /// How many there are.
    pub have: u32,
    /// Votes on this edition's packet.
    pub votes: Vec<VoteView>,
    /// What this role should look at, in the packet's words, most important first.
    pub concerns: Vec<String>,
    /// Who may fill it now.
    pub eligible: Vec<Who>,
    /// Who stood down.
    pub recused: Vec<Who>,
    /// Whether the escalation people may decide.
    pub escalated: bool,
}

/// One vote that counts.
#[derive(Clone, Debug, Serialize)]
pub struct VoteView {
    /// Whose.
    pub by: Who,
    /// For whom, when it was delegated.
    pub for_whom: Option<Who>,
    /// Conditions, for a conditional yes.
    pub conditions: Option<Conditions>,
    /// What they wrote.
    pub reason: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
    /// Its leaf in the ledger, once it is sealed.
    pub leaf: Option<u64>,
}

/// An objection or a question.
#[derive(Clone, Debug, Serialize)]
pub struct TalkView {
    /// Its number within the change.
    pub number: u32,
    /// Who.
    pub by: Who,
    /// What; none when it was erased.
    pub text: Option<String>,
    /// Whether it is settled.
    pub settled: bool,
}

/// Somebody decides in another's place.
#[derive(Clone, Debug, Serialize)]
pub struct DelegationView {
    /// In which slot.
    pub role: Role,
    /// Whose place.
    pub from: Who,
    /// Who decides.
    pub to: Who,
    /// Until when.
    pub until: DateTime<Utc>,
}

/// How far a test is.
#[derive(Clone, Debug, Serialize)]
pub struct TestView {
    /// Its run.
    pub run: String,
    /// The frozen plan.
    pub plan_sha256: Digest,
    /// Pairs to replay.
    pub total: u32,
    /// Pairs replayed.
    pub done: u32,
    /// Dollars spent, an exact decimal.
    pub spent_usd: String,
    /// Dollars that may be spent at most.
    pub cap_usd: String,
    /// Seconds until it is done, if it goes on as so far; none before anything is known or once it has ended.
    pub seconds_left: Option<u64>,
    /// Whether somebody has stopped it for the moment.
    pub paused: bool,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// Every earlier run of the same change, oldest first: nobody repeats a test until it passes unseen.
    pub earlier: Vec<EarlierRun>,
}

/// Results of another tool.
#[derive(Clone, Debug, Serialize)]
pub struct SupportingView {
    /// What it is and what it counts to.
    #[serde(flatten)]
    pub of: Supporting,
    /// The same in words.
    pub sentence: String,
    /// Who attached it.
    pub attached_by: Who,
    /// Whether the packet that people decide on lists it.
    pub in_packet: bool,
}

/// Where a change stands in the ledger.
#[derive(Clone, Debug, Serialize)]
pub struct LedgerView {
    /// Index of the leaf of its newest sealed event.
    pub leaf: Option<u64>,
    /// Whether every event is sealed.
    pub sealed: bool,
    /// Index of the leaf that names the packet's digest.
    pub packet_leaf: Option<u64>,
}

/// One event.
#[derive(Clone, Debug, Serialize)]
pub struct EventView {
    /// Its place in the audit stream.
    pub seq: i64,
    /// Its number within the change.
    pub n: u32,
    /// Its word.
    pub kind: String,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: Who,
    /// Its leaf in the ledger, once it is sealed.
    pub leaf: Option<u64>,
    /// What somebody wrote with it; none when nothing was, or it was erased.
    pub note: Option<String>,
    /// The event as it was sealed.
    pub event: Event,
}

//! Why a command does nothing: a code and a sentence that helps. Shown to whoever asked; not an error.

use std::{collections::BTreeMap, fmt};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::state::State;
use crate::values::{Actor, Digest, PersonId, Revision, Role};

/// What the rules know besides the change itself: who asks, when, and what the directory says of them now.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Who sends the command.
    pub actor: Actor,
    /// The time now.
    pub now: DateTime<Utc>,
    /// Roles that the directory gives the actor at this moment.
    pub roles: Vec<Role>,
    /// People who may not approve, and why.
    pub barred: BTreeMap<PersonId, Bar>,
    /// Digest of the catalog, policy included, as it stands.
    pub catalog: Digest,
    /// Digest of the route that serves the workflow now.
    pub live_route: Option<Digest>,
    /// The generation that the next write to a gateway gets.
    pub next_generation: u64,
    /// How long things may take.
    pub terms: Terms,
}

/// How long things may take; from the catalog's approval rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Days for which an approval may be applied.
    pub approval_days: i64,
    /// Hours for which an emergency change may live without its review.
    pub break_glass_hours: i64,
    /// Hours after which silent approvers are reminded.
    pub remind_hours: i64,
    /// Hours after which the escalation people may decide too.
    pub escalate_hours: i64,
    /// Whether an approved change is applied at once.
    pub apply_when_approved: bool,
}

/// Why somebody may not approve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bar {
    /// They last edited the policy that the change relies on.
    EditedPolicy,
    /// They last edited the workflow's entry.
    EditedWorkflow,
    /// They are no longer active.
    Inactive,
}

/// Why a command does nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Stable word for scripts, URLs and metrics.
    pub code: RefusalCode,
    /// One or two sentences: the rule, and what to do.
    pub message: String,
}

/// The kinds of refusal; each has a page `docs/errors/<code>.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefusalCode {
    /// The change is in a state that does not admit the command.
    WrongState,
    /// The change has ended.
    Closed,
    /// The vote names an edition or a packet that is no longer the current one.
    Stale,
    /// The person may not fill any open slot.
    NotEligible,
    /// The person filed it or wrote it.
    OwnRequest,
    /// The person edited what the change relies on.
    RecentEditor,
    /// The person decides for somebody who is barred.
    BarredDelegator,
    /// The person has filled another slot.
    OneSlotEach,
    /// The same vote is recorded already.
    AlreadyVoted,
    /// The command needs a reason.
    ReasonNeeded,
    /// Only the requester may do that.
    NotRequester,
    /// Only the service itself sends this.
    ServiceOnly,
    /// The result belongs to an earlier run or generation.
    Outdated,
    /// There is no such concern or question, or it is settled.
    NothingToSettle,
    /// The approval is too old, or not yet due.
    NotDue,
    /// The workflow is served by another route than the one tested.
    RouteMoved,
    /// Nothing would change.
    NoChange,
    /// The change follows a version of the rules that this program does not carry.
    Frozen,
}

impl RefusalCode {
    /// The word in URLs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WrongState => "wrong-state",
            Self::Closed => "closed",
            Self::Stale => "stale",
            Self::NotEligible => "not-eligible",
            Self::OwnRequest => "own-request",
            Self::RecentEditor => "recent-editor",
            Self::BarredDelegator => "barred-delegator",
            Self::OneSlotEach => "one-slot-each",
            Self::AlreadyVoted => "already-voted",
            Self::ReasonNeeded => "reason-needed",
            Self::NotRequester => "not-requester",
            Self::ServiceOnly => "service-only",
            Self::Outdated => "outdated",
            Self::NothingToSettle => "nothing-to-settle",
            Self::NotDue => "not-due",
            Self::RouteMoved => "route-moved",
            Self::NoChange => "no-change",
            Self::Frozen => "frozen",
        }
    }
}

impl Refusal {
    /// A refusal with its sentence.
    pub(super) fn new(code: RefusalCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// The state does not admit it.
    pub(super) fn wrong_state(state: State, command: &str) -> Self {
        if state.is_final() {
            return Self::new(
                RefusalCode::Closed,
                format!(
                    "This change has ended ({}), so `{command}` records nothing. File a new one that cites it.",
                    state.title().to_lowercase()
                ),
            );
        }
        Self::new(
            RefusalCode::WrongState,
            format!(
                "`{command}` is not possible while this change is at \"{}\".",
                state.title().to_lowercase()
            ),
        )
    }

    /// The vote names something that is no longer the current edition.
    pub(super) fn stale(current: Revision, packet: Option<Digest>) -> Self {
        let packet = packet.map_or_else(|| "none yet".to_owned(), |digest| digest.short());
        Self::new(
            RefusalCode::Stale,
            format!(
                "What you saw has changed since: it is now revision {} with packet {packet}. \
                 Nothing was recorded. Look at the new evidence, then decide.",
                current.0
            ),
        )
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

//! Who must agree, and what they have said so far.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::state::NoteRef;
use crate::values::{Digest, PersonId, Revision, Role};

/// One role's place on the card. All slots of a change must be filled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// Whose agreement.
    pub role: Role,
    /// The group behind it, as the catalog names it.
    pub group: String,
    /// How many different people.
    pub needed: u32,
    /// Who may fill it, from the directory when the packet was sealed.
    pub eligible: BTreeSet<PersonId>,
    /// Who may fill it after escalation.
    pub escalation: BTreeSet<PersonId>,
    /// Whether the escalation people may decide now.
    pub escalated: bool,
    /// Digest of what this role looks at: while it stays the same, the policy may keep its votes in a new revision.
    pub inputs: Digest,
    /// Whether the policy keeps them.
    pub keep_votes: bool,
    /// Votes that count.
    pub votes: Vec<Vote>,
    /// Who stood down.
    pub recused: BTreeSet<PersonId>,
}

/// A vote that counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    /// Whose.
    pub by: PersonId,
    /// For whom they decided, if it was delegated to them.
    pub for_whom: Option<PersonId>,
    /// The edition it names.
    pub revision: Revision,
    /// The packet it names.
    pub packet: Digest,
    /// Conditions, for a conditional yes.
    pub conditions: Option<Conditions>,
    /// What they wrote.
    pub note: Option<NoteRef>,
    /// When.
    pub at: DateTime<Utc>,
}

/// A yes with conditions; they are enforced when the change is applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conditions {
    /// At most so many of 100 calls on the new route.
    pub canary_percent: Option<u8>,
    /// At most so many dollars a month, whole dollars.
    pub monthly_cap_usd: Option<u64>,
    /// Back to the old route after so many days unless renewed.
    pub expires_days: Option<u32>,
}

/// An objection that blocks until it is settled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Concern {
    /// Numbered from 1 within the change.
    pub number: u32,
    /// Who raised it.
    pub by: PersonId,
    /// For which role.
    pub role: Role,
    /// What it is.
    pub note: NoteRef,
    /// Whether it is settled.
    pub resolved: bool,
}

/// A question that stops the clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Numbered from 1 within the change.
    pub number: u32,
    /// Who asked.
    pub by: PersonId,
    /// What.
    pub note: NoteRef,
    /// When; the deadline moves on by the time until the answer.
    pub at: DateTime<Utc>,
    /// Whether it is answered.
    pub answered: bool,
}

/// Somebody decides for somebody else in one slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delegation {
    /// In which slot.
    pub role: Role,
    /// For whom.
    pub from: PersonId,
    /// Who decides.
    pub to: PersonId,
    /// Until when.
    pub until: DateTime<Utc>,
}

impl Slot {
    /// Whether enough different people agreed to `packet` in `revision`.
    #[must_use]
    pub fn is_filled(&self, revision: Revision, packet: Digest) -> bool {
        self.have(revision, packet) >= self.needed
    }

    /// How many different people agreed to `packet` in `revision`.
    #[must_use]
    pub fn have(&self, revision: Revision, packet: Digest) -> u32 {
        let people: BTreeSet<_> = self
            .votes
            .iter()
            .filter(|vote| vote.revision == revision && vote.packet == packet)
            .map(|vote| &vote.by)
            .collect();
        u32::try_from(people.len()).unwrap_or(u32::MAX)
    }

    /// Who may fill it now, whoever stood down left out.
    pub fn open_to(&self) -> impl Iterator<Item = &PersonId> {
        let passed_on = self.escalated || self.eligible.iter().all(|person| self.recused.contains(person));
        self.eligible
            .iter()
            .chain(self.escalation.iter().filter(move |_| passed_on))
            .filter(|person| !self.recused.contains(*person))
    }
}

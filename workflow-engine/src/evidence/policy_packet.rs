//! The packet of a change of the policy itself: what would be decided differently, for those who must agree.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::statement::Statement;
use crate::{
    approval::Requirement,
    change::state::Change,
    policy::{
        Decision,
        change::{PolicyParts, Review},
    },
    values::{ChangeId, ChangeNumber, Digest, PersonId, Revision, Role},
};

/// The predicate of such a packet. Shares the names of [`super::packet::Packet`] where both say the same.
#[derive(Clone, Debug, Serialize)]
pub struct PolicyPacket<'a> {
    /// What would change, in one sentence.
    pub what: String,
    /// What it would mean, in one or two.
    pub evidence: String,
    /// When it was sealed.
    pub sealed_at: DateTime<Utc>,
    /// What is asked for, and by whom.
    pub change: Summary<'a>,
    /// Digest of the policy in force.
    pub before_sha256: Digest,
    /// Digest of the proposed one.
    pub after_sha256: Digest,
    /// The proposed policy, whole.
    pub proposed: &'a PolicyParts,
    /// What it would decide differently, with before, after and the rules that decide.
    pub review: &'a Review,
    /// The same as a decision: what the change page shows.
    pub policy: &'a Decision,
    /// Who must agree.
    pub slots: Vec<Asked<'a>>,
    /// What an approver should know.
    pub warnings: &'a [String],
}

/// The change, by opaque ids.
#[derive(Clone, Debug, Serialize)]
pub struct Summary<'a> {
    id: &'a ChangeId,
    number: ChangeNumber,
    revision: Revision,
    requester: &'a PersonId,
    reason_commitment: Option<Digest>,
    filed_at: DateTime<Utc>,
}

/// A slot as the packet asks for it.
#[derive(Clone, Debug, Serialize)]
pub struct Asked<'a> {
    role: Role,
    group: &'a str,
    needed: u32,
    eligible: Vec<&'a PersonId>,
}

/// What a packet is made of.
#[derive(Clone, Copy, Debug)]
pub struct Contents<'a> {
    /// The change.
    pub change: &'a Change,
    /// The policy in force, by its digest.
    pub before: Digest,
    /// The proposed one.
    pub proposed: &'a PolicyParts,
    /// What it would decide differently.
    pub review: &'a Review,
    /// The same as a decision.
    pub decision: &'a Decision,
    /// Who must agree.
    pub slots: &'a [Requirement],
    /// The moment of sealing.
    pub sealed_at: DateTime<Utc>,
}

impl<'a> PolicyPacket<'a> {
    /// Puts a packet together.
    #[must_use]
    pub fn of(contents: Contents<'a>) -> Self {
        let change = contents.change;
        Self {
            what: contents.review.what(),
            evidence: contents.review.meaning(),
            sealed_at: contents.sealed_at,
            change: Summary {
                id: &change.id,
                number: change.number,
                revision: change.revision,
                requester: &change.requester,
                reason_commitment: change.reason.as_ref().map(|note| note.commitment),
                filed_at: change.filed_at,
            },
            before_sha256: contents.before,
            after_sha256: contents.proposed.digest(),
            proposed: contents.proposed,
            review: contents.review,
            policy: contents.decision,
            slots: contents.slots.iter().map(asked).collect(),
            warnings: &contents.review.warnings,
        }
    }

    /// The statement to sign: `change/142/revision/1`.
    ///
    /// # Errors
    /// When a figure in it is no number, which no policy has.
    pub fn statement(&self) -> Result<Statement, serde_json::Error> {
        let name = format!(
            "change/{}/revision/{}",
            self.change.number.0, self.change.revision.0
        );
        Ok(Statement::new(name, serde_json::to_value(self)?))
    }

    /// Digest of what every role looks at: the proposed policy, and what it would decide differently.
    #[must_use]
    pub fn inputs(&self) -> Digest {
        let value = (
            self.after_sha256,
            &self.review.pairs,
            &self.review.live,
            &self.review.open,
        );
        Digest::of_json(&value).unwrap_or(self.after_sha256)
    }
}

fn asked(slot: &Requirement) -> Asked<'_> {
    Asked {
        role: slot.role,
        group: &slot.group,
        needed: slot.needed,
        eligible: slot.eligible.iter().collect(),
    }
}

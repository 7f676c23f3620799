//! The guards of the protocol, each a switch: the model must break when one that is needed is off.

use std::collections::BTreeSet;

/// Something that keeps the protocol right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Guard {
    /// `UPDATE change … WHERE version = $expected`.
    Version,
    /// `event` has one row for each number of a change.
    EventNumber,
    /// `vote` has one row for each person and revision.
    OneVote,
    /// `command` has one row for each key, looked at in the same statement.
    Key,
    /// A claim's result counts only while its token is the newest.
    Token,
    /// Nobody is answered before the commit.
    AnswerAfterCommit,
    /// Jobs are written by the commit that asks for them.
    JobsInCommit,
    /// A claim comes back by itself when its worker does not.
    Lease,
    /// The gateway takes no generation older than the one it has.
    Generation,
    /// A vote counts for the packet that its caster saw.
    PacketSeen,
    /// Only all votes together approve.
    FullVoteSet,
    /// The ledger's head moves by compare-and-swap.
    HeadSwap,
}

/// Which guards stand.
#[derive(Clone, Debug, Default)]
pub(super) struct Guards {
    off: BTreeSet<Guard>,
}

impl Guards {
    /// As the product has them.
    pub(super) fn all() -> Self {
        Self::default()
    }

    /// A broken product.
    pub(super) fn without(off: &[Guard]) -> Self {
        Self {
            off: off.iter().copied().collect(),
        }
    }

    /// Whether it stands.
    pub(super) fn hold(&self, guard: Guard) -> bool {
        !self.off.contains(&guard)
    }
}

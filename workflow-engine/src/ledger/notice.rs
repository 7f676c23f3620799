//! Entries of the ledger that belong to no change: a new key, an erasure, the seal over a batch of rows.

use serde::{Deserialize, Serialize};

use crate::values::{Digest, PersonId, Usd};

/// The stream of these entries, where a change has its id.
pub const STREAM: &str = "ledger";

/// The bytes of such an entry, as canonical JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leaf {
    /// [`STREAM`].
    pub stream: String,
    /// Its number within the stream, from 1.
    pub n: u32,
    /// When, milliseconds UTC.
    pub at: i64,
    /// Who: a person's opaque id, or `service:<name>`.
    pub actor: String,
    /// What.
    pub event: Notice,
}

/// What happened to the ledger, or is vouched for by it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Notice {
    /// Later heads are signed with another key. This entry is sealed under the old one.
    KeyAnnounced {
        /// Verifier key that has signed so far.
        from: String,
        /// Verifier key that may sign once this entry is under a signed head.
        to: String,
    },
    /// The announced key has taken over: heads from here on are its.
    KeyInUse {
        /// Its verifier key.
        key: String,
    },
    /// Texts were erased: value and salt are gone, the commitments to them stay and can be tied to nobody.
    Erased(Erasure),
    /// The rows of a stretch of time, each provable through this entry.
    RowsSealed(Batch),
}

impl Notice {
    /// The word in the database and in the sealed entry.
    pub fn name(&self) -> &'static str {
        match self {
            Self::KeyAnnounced { .. } => "key_announced",
            Self::KeyInUse { .. } => "key_in_use",
            Self::Erased(_) => "erased",
            Self::RowsSealed(_) => "rows_sealed",
        }
    }
}

/// What was erased, by opaque ids alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// The person whose data it was, if it was one person's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonId>,
    /// Ids of texts that entries commit to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub texts: Vec<String>,
    /// Shadow runs whose data key was destroyed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<String>,
    /// How many other stored records lost the person's name, addresses or words.
    #[serde(default)]
    pub records: u64,
}

/// A Merkle root over rows that are too many to be entries themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// Which rows: `calls` or `decisions`.
    pub rows: String,
    /// Beginning of the stretch of time, RFC 3339 UTC.
    pub from: String,
    /// Its end, not included.
    pub until: String,
    /// 1, and one more each time rows came late or were completed after the seal: the newest one holds.
    pub edition: u32,
    /// Number of rows.
    pub count: u64,
    /// Sum of their cost.
    pub cost_usd: Usd,
    /// RFC 6962 root over the rows as canonical JSON, in the order of their ids.
    pub root: Digest,
}

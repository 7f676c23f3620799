//! The bytes of an event: canonical JSON that is hashed, chained, sealed and exported.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    change::event::Event,
    values::{ChangeId, Digest},
};

/// An event with where it belongs: one leaf of the ledger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// The change.
    pub change: ChangeId,
    /// Its number within the change.
    pub n: u32,
    /// When, milliseconds UTC.
    pub at: i64,
    /// Who: a person's opaque id, or `service:<name>`.
    pub actor: String,
    /// What happened.
    pub event: Event,
}

/// The hash of an event: SHA-256 of the one before it and its own bytes. The first has 32 zeros before it.
#[must_use]
pub fn chained(previous: Digest, body: &[u8]) -> Digest {
    let mut hash = Sha256::new();
    hash.update(previous.0);
    hash.update(body);
    Digest(hash.finalize().into())
}

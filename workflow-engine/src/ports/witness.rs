//! A witness of the ledger: somebody independent who cosigns heads that only ever grow.

use async_trait::async_trait;

use crate::ledger::{key::VerifierKey, note::Signature, witness::AddCheckpoint};

/// An independent program that remembers the newest head it saw. Asking it again with the same head is harmless.
#[async_trait]
pub trait Witness: Send + Sync {
    /// The key that its cosignatures are checked with; its name is the witness's name.
    fn key(&self) -> &VerifierKey;

    /// Asks it to cosign a head. The answer is not checked here: the caller checks it against [`Witness::key`].
    ///
    /// # Errors
    /// What the witness says instead.
    async fn cosign(&self, asked: &AddCheckpoint) -> Result<Signature, WitnessError>;
}

/// What a witness says instead of signing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WitnessError {
    /// It holds a head of that many entries, and not the one we believed it to hold.
    #[error("it holds {0} entries")]
    Holds(u64),
    /// The ledger it holds is not the beginning of ours.
    #[error("the ledger it holds is not the beginning of ours")]
    Inconsistent,
    /// It does not know this log, or not this key of it.
    #[error("it does not know this ledger's key ({0}); give it the verifier key (log.vkey)")]
    Stranger(String),
    /// It cannot be asked now.
    #[error("{0}")]
    Unreachable(String),
}

//! An authority that vouches for the time at which a digest was known (RFC 3161).

use async_trait::async_trait;
use chrono::{DateTime, Utc};

/// A clock outside the company, over the network. Asking twice gives two tokens, which is harmless.
#[async_trait]
pub trait TimestampAuthority: Send + Sync {
    /// Has the SHA-256 `imprint` stamped. `nonce` is random, so that an old answer does not pass for a new one.
    ///
    /// # Errors
    /// When there is no answer, it refuses, or its token is not over this imprint and nonce.
    async fn stamp(&self, imprint: &[u8; 32], nonce: [u8; 8]) -> Result<Stamp, StampError>;
}

/// A time stamp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The authority's whole answer, DER, as `openssl ts -verify -in` reads it.
    pub response: Vec<u8>,
    /// The time it vouches for.
    pub at: DateTime<Utc>,
}

/// Why there is no time stamp.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StampError {
    /// It cannot be asked now.
    #[error("{0}")]
    Unreachable(String),
    /// It answered, and not with what was asked for.
    #[error("the time-stamp authority's answer does not count: {0}")]
    Refused(String),
}

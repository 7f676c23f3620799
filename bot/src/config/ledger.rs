//! `[ledger]`: the transparency log's name and key.

use secrecy::SecretString;
use serde::Deserialize;

use super::{Problem, secret};

/// The transparency log's name, key and pace.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ledger {
    /// Name of the log in its checkpoints.
    pub origin: String,
    /// Signs checkpoints and packets; none means a key that is made once in the data directory.
    #[serde(deserialize_with = "secret::optional")]
    pub signing_key: Option<SecretString>,
    /// Longest time between a decision and its checkpoint, in milliseconds.
    pub seal_every_ms: u64,
}

impl Ledger {
    pub(super) fn problem(&self) -> Problem {
        let odd = |c: char| c.is_whitespace() || c == '+' || c.is_control();
        if self.origin.is_empty() || self.origin.contains(odd) {
            let why = "it must be a name without spaces and `+`, for example governor.example.com/ledger";
            return Some(("ledger.origin", why.to_owned()));
        }
        if !(10..=10_000).contains(&self.seal_every_ms) {
            return Some(("ledger.seal_every_ms", "it must be 10 to 10000".to_owned()));
        }
        None
    }
}

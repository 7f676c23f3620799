//! `[ledger]`: the transparency log's name and key.

use secrecy::SecretString;
use serde::Deserialize;
use workflow_engine::ledger::key::{KeyKind, VerifierKey};

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
    /// Who cosigns its heads.
    pub witnesses: Vec<WitnessAt>,
    /// Seconds between two times that they are asked.
    pub witness_every_seconds: u64,
    /// Where heads are posted; empty: the approvals channel.
    pub checkpoint_channel: String,
    /// An RFC 3161 authority; empty: none.
    pub timestamp_url: String,
}

/// An independent witness.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessAt {
    /// Its submission prefix: `/add-checkpoint` follows it.
    pub url: String,
    /// The key that its cosignatures are checked with.
    pub vkey: String,
}

impl WitnessAt {
    /// Its key, which [`Ledger::problem`] has checked.
    ///
    /// # Errors
    /// When it is no cosigner's verifier key.
    pub fn key(&self) -> Result<VerifierKey, String> {
        let key = VerifierKey::parse(&self.vkey).map_err(|fault| fault.to_string())?;
        if key.kind() == KeyKind::Cosignature {
            return Ok(key);
        }
        Err("it is a ledger's key; a witness prints its own with `governor witness --print-key`".to_owned())
    }
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
        for witness in &self.witnesses {
            if let Err(why) = witness.key() {
                return Some(("ledger.witnesses", why));
            }
            if url::Url::parse(&witness.url).is_err() {
                let why = format!(
                    "`{}` is no address, such as https://witness.example.com",
                    witness.url
                );
                return Some(("ledger.witnesses", why));
            }
        }
        if !self.timestamp_url.is_empty() && url::Url::parse(&self.timestamp_url).is_err() {
            let why = format!(
                "`{}` is no address, such as http://timestamp.example.com",
                self.timestamp_url
            );
            return Some(("ledger.timestamp_url", why));
        }
        if !(1..=3_600).contains(&self.witness_every_seconds) {
            return Some(("ledger.witness_every_seconds", "it must be 1 to 3600".to_owned()));
        }
        None
    }
}

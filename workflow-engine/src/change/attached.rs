//! Supporting evidence: what somebody else's tool found, attached to a change. It is shown and decides nothing.

use serde::{Deserialize, Serialize};

use crate::{shadow::statistics::paired_binary::Counts, values::Digest};

/// A file of results as the ledger names it: digests and counts, no text of anybody's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attached {
    /// SHA-256 of the file as it was sent.
    pub sha256: Digest,
    /// SHA-256 of the pairs that were read from it, one JSON object a line; these are kept.
    pub pairs_sha256: Digest,
    /// Whose file it is.
    pub format: Format,
    /// Pairs in which both models are right, only one, or none.
    pub counts: Counts,
    /// Answers without a counterpart, left out.
    pub unpaired: u64,
    /// The models that it compares, as the file calls them: incumbent, candidate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub models: Option<[String; 2]>,
}

/// Whose file of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Pairs as `governor analyze` takes them.
    Pairs,
    /// The same as a table.
    Csv,
    /// promptfoo's result file.
    Promptfoo,
    /// Two files of samples of lm-evaluation-harness.
    LmEval,
}

impl Format {
    /// The words a person reads.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Pairs | Self::Csv => "an evaluation set",
            Self::Promptfoo => "promptfoo",
            Self::LmEval => "lm-evaluation-harness",
        }
    }
}

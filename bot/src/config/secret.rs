//! Secrets as settings: an empty text is none, and nothing prints one.

use secrecy::SecretString;
use serde::{Deserialize as _, Deserializer};

/// Reads a secret; empty stands for none.
pub(super) fn optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok((!text.is_empty()).then(|| SecretString::from(text)))
}

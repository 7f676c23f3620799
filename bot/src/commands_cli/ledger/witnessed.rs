//! Whether witnesses have cosigned the ledger that is checked.

use std::path::Path;

use chrono::DateTime;
use workflow_engine::{
    engine::ledger::{Ledger, LedgerError},
    ledger::{
        key::{KeyKind, VerifierKey},
        merkle::Hash,
        note::SignedCheckpoint,
    },
};

use super::super::{bad, read};

/// A head with a witness's name under it.
pub(in crate::commands_cli) struct Seen {
    name: String,
    size: u64,
    /// Seconds since 1970.
    at: u64,
}

impl Seen {
    /// One line for people.
    pub(in crate::commands_cli) fn words(&self) -> String {
        let at = i64::try_from(self.at)
            .ok()
            .and_then(|at| DateTime::from_timestamp(at, 0));
        let at = at
            .map(|at| at.format("%Y-%m-%d %H:%M:%S UTC").to_string())
            .unwrap_or_default();
        format!(
            "  Cosigned by {}: the head of {} entries, on {at}.\n",
            self.name, self.size
        )
    }
}

/// The witnesses' keys in a file, one a line.
pub(in crate::commands_cli) fn keys(path: &Path) -> anyhow::Result<Vec<VerifierKey>> {
    let text = read(path)?;
    let mut keys = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let key = VerifierKey::parse(line).map_err(|fault| bad(path, fault))?;
        if key.kind() != KeyKind::Cosignature {
            return Err(bad(path, "that is a ledger's key, not a witness's"));
        }
        keys.push(key);
    }
    if keys.is_empty() {
        return Err(bad(path, "it holds no verifier key"));
    }
    Ok(keys)
}

/// The heads in the database that each witness cosigned; the inner error names the first that did not.
pub(in crate::commands_cli) async fn in_database(
    ledger: &Ledger,
    keys: &[VerifierKey],
) -> Result<Result<Vec<Seen>, String>, LedgerError> {
    let mut notes = Vec::new();
    for standing in ledger.witnesses().await? {
        notes.extend(ledger.head(standing.size).await?);
    }
    Ok(among(keys, &notes))
}

/// The heads beside exported files that each witness cosigned, with `root_at` as the files' root of a size.
pub(in crate::commands_cli) fn in_folder(
    dir: &Path,
    log: &VerifierKey,
    keys: &[VerifierKey],
    root_at: impl Fn(u64) -> Option<Hash>,
) -> Result<Vec<Seen>, String> {
    let mut notes = Vec::new();
    for name in ["checkpoint", "checkpoint.witnessed"] {
        let Ok(text) = std::fs::read_to_string(dir.join(name)) else {
            continue;
        };
        let note = SignedCheckpoint::parse(&text).map_err(|fault| format!("{name}: {fault}"))?;
        let head = note.verify(log).map_err(|fault| format!("{name}: {fault}"))?;
        if root_at(head.size) != Some(head.root) {
            return Err(format!(
                "{name}: the entries do not begin with the {} entries it is of",
                head.size
            ));
        }
        notes.push(note);
    }
    among(keys, &notes)
}

/// The newest of `notes` that each witness cosigned.
pub(in crate::commands_cli) fn among(
    keys: &[VerifierKey],
    notes: &[SignedCheckpoint],
) -> Result<Vec<Seen>, String> {
    let seen = |key: &VerifierKey| {
        let by = notes.iter().filter_map(|note| {
            Some(Seen {
                name: key.name().to_owned(),
                size: note.checkpoint.head.size,
                at: note.cosigned(key).ok()?,
            })
        });
        by.max_by_key(|seen| seen.size)
            .ok_or_else(|| format!("the witness {} has cosigned no head of this ledger", key.name()))
    };
    keys.iter().map(seen).collect()
}

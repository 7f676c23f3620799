//! What a backup says of itself.

use anyhow::bail;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use workflow_engine::store::copy::Table;

/// The form of file that this program writes and reads.
const FORMAT: u32 = 1;

/// The first file of a backup.
#[derive(Debug, Serialize, Deserialize)]
pub struct Manifest {
    /// The form of the file.
    pub format: u32,
    /// When the copy was taken.
    pub made_at: DateTime<Utc>,
    /// The version of the program that took it.
    pub program: String,
    /// The migrations that had run, oldest first.
    pub migrations: Vec<String>,
    /// The tables, with how many rows and what they hash to.
    pub tables: Vec<Content>,
    /// What the ledger in it comes out to; checked when the backup was made.
    pub ledger: LedgerState,
}

/// One table of a backup.
#[derive(Debug, Serialize, Deserialize)]
pub struct Content {
    /// Its name and columns.
    #[serde(flatten)]
    pub table: Table,
    /// Its rows.
    pub rows: u64,
    /// SHA-256 of its file, hexadecimal.
    pub sha256: String,
}

/// Where a ledger ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerState {
    /// Sealed entries.
    pub entries: u64,
    /// The root over them, hexadecimal.
    pub root: String,
}

impl Manifest {
    /// A manifest of now.
    pub(super) fn new(made_at: DateTime<Utc>, migrations: Vec<String>, tables: Vec<Content>) -> Self {
        Self {
            format: FORMAT,
            made_at,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            migrations,
            tables,
            ledger: LedgerState {
                entries: 0,
                root: String::new(),
            },
        }
    }

    /// Reads one.
    pub(super) fn parse(bytes: &[u8]) -> anyhow::Result<Self> {
        let manifest: Self = serde_json::from_slice(bytes)?;
        if manifest.format != FORMAT {
            bail!(
                "it is of form {}, this program reads form {FORMAT}; use governor {} or newer",
                manifest.format,
                manifest.program
            );
        }
        Ok(manifest)
    }

    /// Rows of all tables.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|content| content.rows).sum()
    }
}

//! A backup: one file with every governance row as of one moment, and what the ledger in it must come out to.
//!
//! It is a gzipped tar: `manifest.json`, then `tables/NAME.ndjson`. Either database takes it in, so it is also the
//! way from SQLite to PostgreSQL. Both ends fill a database of their own from the file and check its ledger.

mod archive;
mod check;
mod manifest;

pub use archive::{Unpacked, unpack, write};
pub use check::{Checked, check, ledger_of};
pub use manifest::{LedgerState, Manifest};

//! Takes a backup of a database, and checks one by filling a database of its own from it.

use std::path::Path;

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use workflow_engine::{
    engine::{audit::Report, ledger::Ledger},
    ledger::key::VerifierKey,
    store::{
        copy::{self, Snapshot},
        db::Db,
    },
};

use super::{
    archive::{self, Unpacked},
    manifest::{LedgerState, Manifest},
};
use crate::storage;

/// A backup that was filled into a database of its own.
#[derive(Debug)]
pub struct Checked {
    /// What the check of its ledger found.
    pub report: Report,
    /// Where its ledger ends.
    pub ledger: LedgerState,
}

impl Unpacked {
    /// Copies every governance row of `db` as of one moment.
    ///
    /// # Errors
    /// When the database does not answer, or was made by a newer program.
    pub async fn take(db: &Db, now: DateTime<Utc>) -> anyhow::Result<Self> {
        let migrations = storage::applied(db).await?;
        let scratch = tempfile::tempdir()?;
        let tables = copy::tables(&scratch_database(scratch.path(), &migrations).await?).await?;
        let folder = tempfile::tempdir()?;
        let snapshot = Snapshot::take(db).await?;
        let mut contents = Vec::with_capacity(tables.len());
        for table in tables {
            contents.push(archive::keep(&snapshot, table, folder.path()).await?);
        }
        Ok(Self::at(folder, Manifest::new(now, migrations, contents)))
    }
}

/// Fills a SQLite file of its own from the backup and checks the whole ledger in it. `key` finds the log's public key.
///
/// # Errors
/// When the rows do not fit, or there is no key; that the ledger does not hold is in the report.
pub async fn check(
    backup: &Unpacked,
    key: impl AsyncFnOnce(&Db) -> anyhow::Result<VerifierKey>,
) -> anyhow::Result<Checked> {
    let folder = tempfile::tempdir()?;
    let db = scratch_database(folder.path(), &backup.manifest.migrations).await?;
    copy::load(&db, backup.tables()?)
        .await
        .context("the backup does not fit its own schema")?;
    // The newest schema is what the check reads.
    storage::migrate(&db).await?;
    let key = key(&db).await?;
    ledger_of(db, key).await
}

/// Checks the whole ledger of `db` and says where it ends.
///
/// # Errors
/// When the database does not answer.
pub async fn ledger_of(db: Db, key: VerifierKey) -> anyhow::Result<Checked> {
    let ledger = Ledger::new(db, key);
    let report = ledger.verify().await?;
    let root = ledger.root_at(report.entries).await?.unwrap_or_default();
    Ok(Checked {
        ledger: LedgerState {
            entries: report.entries,
            root: hex::encode(root),
        },
        report,
    })
}

async fn scratch_database(folder: &Path, migrations: &[String]) -> anyhow::Result<Db> {
    let file = folder.join("check.db");
    let db = storage::open(&format!("sqlite://{}", file.display()), 2).await?;
    let left = storage::migrate_as(&db, migrations).await?;
    if let Some(unknown) = left.first() {
        bail!("it was made by a newer governor: this one does not know the migration {unknown}");
    }
    Ok(db)
}

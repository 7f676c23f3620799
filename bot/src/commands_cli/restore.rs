//! `governor restore`: fills an empty database from a backup, on either kind of database, and checks its ledger.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use serde_json::json;
use workflow_engine::{
    engine::ledger::Ledger,
    ledger::{key::VerifierKey, note::SignedCheckpoint},
    store::{copy, db::Db},
};

use super::{
    Format,
    ledger::source::{ConfigFile, log_key_of},
    print, read,
};
use crate::{
    backup::{self, Checked, Unpacked},
    config::Config,
    storage,
};

/// Fill an empty database from a file of `governor backup`; the configured one, SQLite or PostgreSQL.
///
/// The file is checked first, ledger and all, and the database is checked after. Nothing is written when the file was
/// damaged or changed. With --checkpoint it also says whether the backup is older than what others have seen.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  governor restore governor-2026-11-24.backup
  GOVERNOR_DATABASE__URL=postgres://governor@db/governor governor restore governor.backup     from SQLite to PostgreSQL
  governor restore governor.backup --checkpoint seen-in-chat")]
pub struct Args {
    /// The backup
    file: PathBuf,
    /// The log's public key (PEM or verifier key) from somewhere you trust
    #[arg(long, value_name = "PUB")]
    key: Option<PathBuf>,
    /// The newest checkpoint that somebody else kept (chat, the SIEM, a witness)
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigFile,
}

/// Runs it. Exit 1 when the data is back, but others have seen more than it holds.
///
/// # Errors
/// When the backup is damaged, its ledger does not hold, or the database is not empty.
pub async fn run(args: &Args, format: Format) -> anyhow::Result<ExitCode> {
    let (said, newest) = answer(args, format).await?;
    print(&said)?;
    Ok(ExitCode::from(u8::from(!newest)))
}

/// What it prints, and whether the backup is as new as the checkpoint given.
///
/// # Errors
/// As [`run`].
pub async fn answer(args: &Args, format: Format) -> anyhow::Result<(String, bool)> {
    let config = args.config.load()?;
    let backup = backup::unpack(&args.file)?;
    let name = args.file.display();
    let key_of = async |db: &Db| Ok(log_key_of(&config, db, args.key.as_deref()).await?.key);
    let checked = backup::check(&backup, key_of)
        .await
        .with_context(|| name.to_string())?;
    holds(&checked, &backup).with_context(|| format!("{name}: nothing was written"))?;

    let db = empty_database(&config).await?;
    let left = storage::migrate_as(&db, &backup.manifest.migrations).await?;
    if let Some(unknown) = left.first() {
        bail!(
            "the schema of {} is not that of the backup ({unknown}); name an empty database",
            config.database_url()
        );
    }
    let rows = copy::load(&db, backup.tables()?).await?;
    storage::migrate(&db).await?;
    let key = key_of(&db).await?;
    let after = backup::ledger_of(db.clone(), key.clone()).await?;
    holds(&after, &backup)?;
    let missing = match &args.checkpoint {
        Some(path) => missing(db, key, path).await?,
        None => None,
    };
    Ok((said(&backup, rows, missing.as_deref(), format), missing.is_none()))
}

fn holds(checked: &Checked, backup: &Unpacked) -> anyhow::Result<()> {
    if let Some(fault) = &checked.report.fault {
        bail!("the ledger in it does not hold: {}", fault.what);
    }
    if checked.ledger != backup.manifest.ledger {
        bail!("the ledger in it is not the one that was backed up; the file was changed");
    }
    Ok(())
}

async fn empty_database(config: &Config) -> anyhow::Result<Db> {
    let url = config.database_url();
    if let Some(folder) = url
        .strip_prefix("sqlite://")
        .and_then(|path| Path::new(path).parent())
    {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    let db = storage::open(&url, config.database.max_connections).await?;
    let fresh = storage::applied(&db).await.is_ok_and(|names| names.is_empty());
    if !fresh && !copy::is_empty(&db).await? {
        bail!(
            "the configured database is in use already; a backup goes into an empty one: \
             move the SQLite file away, or name a new PostgreSQL database in database.url"
        );
    }
    Ok(db)
}

/// What others have seen and the restored ledger lacks, in words.
async fn missing(db: Db, key: VerifierKey, path: &Path) -> anyhow::Result<Option<String>> {
    let seen = SignedCheckpoint::parse(&read(path)?).and_then(|note| note.verify(&key));
    let seen = seen.with_context(|| path.display().to_string())?;
    let root = Ledger::new(db, key).root_at(seen.size).await?;
    Ok(match root {
        Some(root) if root == seen.root => None,
        Some(_) => Some(format!(
            "the first {} entries are not those of the checkpoint in {}: this is another history",
            seen.size,
            path.display()
        )),
        None => Some(format!(
            "others have seen {} entries ({}), more than the backup holds: what came after it is lost, \
             and witnesses will say so until somebody tells them why",
            seen.size,
            path.display()
        )),
    })
}

fn said(backup: &Unpacked, rows: u64, missing: Option<&str>, format: Format) -> String {
    let ledger = &backup.manifest.ledger;
    match format {
        Format::Json => {
            let document = json!({"rows": rows, "made_at": backup.manifest.made_at, "ledger": ledger,
                "holds": true, "missing": missing});
            format!("{document}\n")
        }
        Format::Text => {
            let warning = missing.map_or_else(String::new, |what| format!("Beware: {what}.\n"));
            format!(
                "{rows} rows are back, as of {}.\nThe ledger holds: {} entries, root {}.\n{warning}\
                 Compare the root with the newest checkpoint in chat or at a witness before you start the service.\n",
                backup.manifest.made_at.format("%Y-%m-%d %H:%M:%S UTC"),
                ledger.entries,
                ledger.root
            )
        }
    }
}

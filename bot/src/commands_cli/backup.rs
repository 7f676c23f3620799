//! `governor backup`: an online copy of all governance data in one file, checked before it is put in place.

use std::{path::PathBuf, process::ExitCode};

use anyhow::bail;
use serde_json::json;
use workflow_engine::ports::clock::Clock;

use super::{
    Format,
    ledger::source::{self, ConfigFile, log_key_of},
    print,
};
use crate::{
    backup::{self, Unpacked},
    clock::SystemClock,
};

/// Copy all governance data into one file, while the service runs: changes, votes, evidence, ledger, catalog, tokens.
///
/// The copy is of one moment. Before the file is put in place, a database is filled from it and the ledger in that is
/// checked from the first entry to the last. Not in it: the ledger's private key, sessions, and calls.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  governor backup --out governor-2026-11-24.backup
  governor backup --config /etc/governor.toml --out /backups/governor.backup --format json | jq .ledger")]
pub struct Args {
    /// The file to write; it must not be there yet
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    config: ConfigFile,
}

/// Runs it.
///
/// # Errors
/// When the database cannot be read, its ledger does not hold, or the file cannot be written.
pub async fn run(args: &Args, format: Format) -> anyhow::Result<ExitCode> {
    print(&answer(args, format).await?)?;
    Ok(ExitCode::SUCCESS)
}

/// What it prints when all went well.
///
/// # Errors
/// As [`run`].
pub async fn answer(args: &Args, format: Format) -> anyhow::Result<String> {
    let config = args.config.load()?;
    let db = source::open(&config).await?;
    let mut copy = Unpacked::take(&db, SystemClock.now()).await?;
    let checked = backup::check(&copy, async |db| Ok(log_key_of(&config, db, None).await?.key)).await?;
    if let Some(fault) = checked.report.fault {
        bail!(
            "nothing was written, because the ledger does not hold: {}; run `governor ledger verify`",
            fault.what
        );
    }
    copy.manifest.ledger = checked.ledger;
    let bytes = backup::write(&copy, &args.out)?;
    let manifest = &copy.manifest;
    Ok(match format {
        Format::Json => {
            let document = json!({"out": args.out, "bytes": bytes, "rows": manifest.rows(),
                "tables": manifest.tables.len(), "made_at": manifest.made_at, "ledger": manifest.ledger});
            format!("{document}\n")
        }
        Format::Text => format!(
            "{} rows of {} tables written to {} ({} KiB).\n\
             Its ledger holds: {} entries, root {}.\n\
             Keep the ledger's private key elsewhere; it is not in the file. Take it in with `governor restore`.\n",
            manifest.rows(),
            manifest.tables.len(),
            args.out.display(),
            bytes.div_ceil(1024),
            manifest.ledger.entries,
            manifest.ledger.root,
        ),
    })
}

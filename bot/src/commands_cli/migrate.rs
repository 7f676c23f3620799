//! `governor migrate`: brings the schema up to date, or says whether it is.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use crate::{clock::SystemClock, commands_cli::print, config::Config, storage};

/// Bring the database's schema up to date.
///
/// Examples:
///   governor migrate
///   governor migrate --check     exit 1 when something is missing
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Only say what is missing; exit 1 if anything is.
    #[arg(long)]
    check: bool,
    /// The settings file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Runs it.
///
/// # Errors
/// When the settings are wrong or the database cannot be reached.
pub async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let config = Config::load(args.config.as_deref())?;
    let db = storage::open(&config.database_url(), config.database.max_connections).await?;
    let clock = Arc::new(SystemClock);
    let calls =
        storage::connect_calls(&config.calls_url(), config.database.calls_max_connections, clock).await?;
    if args.check {
        let mut pending = storage::pending(&db).await?;
        pending.extend(storage::pending_calls(&calls).await?);
        for name in &pending {
            print(&format!("missing: {name}\n"))?;
        }
        return Ok(if pending.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        });
    }
    storage::migrate(&db).await?;
    storage::migrate_calls(&calls).await?;
    print("The schema is up to date.\n")?;
    Ok(ExitCode::SUCCESS)
}

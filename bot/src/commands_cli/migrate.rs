//! `governor migrate`: brings the schema up to date, or says whether it is; moves a change to other rules.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::{Context, bail};
use workflow_engine::{
    engine::Engine,
    store::db::Db,
    values::{ChangeNumber, PersonId},
};

use super::{arguments, print};
use crate::{clock::SystemClock, config::Config, storage};

/// Bring the database's schema up to date, or move one change to another version of the rules.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  governor migrate
  governor migrate --check     exit code 1 when something is missing
  governor migrate --change 142 --to 2 --by ana")]
pub struct Args {
    /// Only say what is missing; exit 1 if anything is.
    #[arg(long)]
    check: bool,
    /// The change that is to follow other rules; recorded as an event on it.
    #[arg(long, value_name = "NUMBER", value_parser = arguments::change, requires_all = ["to", "by"], conflicts_with = "check")]
    change: Option<u64>,
    /// The version of the rules that it is to follow.
    #[arg(long, value_name = "VERSION", requires = "change")]
    to: Option<u32>,
    /// Who moves it, by the catalog's id.
    #[arg(long, value_name = "PERSON", requires = "change")]
    by: Option<String>,
    /// The settings file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Runs it.
///
/// # Errors
/// When the settings are wrong, the database cannot be reached, or the change cannot be moved.
pub async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let config = Config::load(args.config.as_deref())?;
    if let (Some(change), Some(to), Some(by)) = (args.change, args.to, &args.by) {
        let db = Db::open_beside(&config.database_url()).await?;
        return move_change(&db, ChangeNumber(change), to, by).await;
    }
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
        if !pending.is_empty() {
            return Ok(ExitCode::FAILURE);
        }
    } else {
        storage::migrate(&db).await?;
        storage::migrate_calls(&calls).await?;
    }
    print("The schema is up to date.\n")?;
    Ok(ExitCode::SUCCESS)
}

async fn move_change(db: &Db, number: ChangeNumber, to: u32, by: &str) -> anyhow::Result<ExitCode> {
    storage::up_to_date(db).await?;
    let engine = Engine::new(db.clone(), Arc::new(SystemClock));
    let (_, catalog) = engine.catalog().await?;
    if catalog.person(by).is_none() {
        bail!("--by {by}: the catalog has no such person");
    }
    let moved = engine.migrate_change(number, to, PersonId::from(by)).await;
    moved.with_context(|| format!("change {number} stays as it is"))?;
    print(&format!(
        "Change {number} follows version {to} of the rules; recorded as an event on it.\n"
    ))?;
    Ok(ExitCode::SUCCESS)
}

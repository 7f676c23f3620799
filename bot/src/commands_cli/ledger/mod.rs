//! `governor ledger`: checks the whole ledger, writes it as files for outsiders, makes its key.

mod erase;
mod export;
mod keygen;
mod rows;
pub(crate) mod source;
mod verify;
pub(super) mod witnessed;

use std::process::ExitCode;

use clap::Subcommand;

use super::{Format, print};

/// Check the ledger, write it as files for outsiders, make its key.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  governor ledger verify
  governor ledger export --out export && governor ledger verify --dir export")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Verify(verify::Args),
    Export(export::Args),
    Keygen(keygen::Args),
    Erase(erase::Args),
    ProveRow(rows::Prove),
    VerifyRow(rows::Verify),
}

/// Runs the subcommand and prints its answer.
///
/// # Errors
/// As [`answer`], and when stdout is gone.
pub async fn run(args: &Args, format: Format) -> anyhow::Result<ExitCode> {
    let (said, holds) = answer(args, format).await?;
    print(&said)?;
    Ok(ExitCode::from(u8::from(!holds)))
}

/// What goes to stdout, and whether the check holds.
///
/// # Errors
/// When something cannot be read or written; that the ledger does not hold is no error.
pub async fn answer(args: &Args, format: Format) -> anyhow::Result<(String, bool)> {
    match &args.command {
        Command::Verify(args) => verify::run(args, format).await,
        Command::Export(args) => export::run(args, format).await,
        Command::Keygen(args) => keygen::run(args, format).await,
        Command::Erase(args) => erase::run(args, format).await,
        Command::ProveRow(args) => rows::prove(args, format).await,
        Command::VerifyRow(args) => rows::verify(args, format),
    }
}

//! `governor reconcile`: an invoice against the ledger.

use std::path::PathBuf;
use std::process::ExitCode;

use workflow_engine::finance::files;

/// Compare a vendor's invoice with our ledger, line by line.
///
/// The file has a group `reconciliation` (invoice, ledger: lines of [model, meter, amount]).
#[derive(clap::Args)]
#[command(after_help = "Examples:
  governor reconcile invoice.json
  governor reconcile - < invoice.json | jq .")]
pub struct Args {
    /// Both sides; `-` reads stdin.
    #[arg(value_name = "FILE.json")]
    file: PathBuf,
}

/// Answers the file.
///
/// # Errors
/// When it cannot be read; names file, line and field.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    super::answer(&args.file, files::reconcile)
}

//! `governor allocate`: splits shared amounts so that the parts add up.

use std::path::PathBuf;
use std::process::ExitCode;

use workflow_engine::finance::files;

/// Split shared amounts so that the parts add up exactly.
///
/// The file has groups `allocation` (total_minor, weights) and `ptu` (fee, capacity_ptu_hours, consumed_ptu_hours).
#[derive(clap::Args)]
#[command(after_help = "Examples:
  governor allocate shared-costs.json
  governor allocate - < shared-costs.json | jq .")]
pub struct Args {
    /// The amounts; `-` reads stdin.
    #[arg(value_name = "FILE.json")]
    file: PathBuf,
}

/// Answers the file.
///
/// # Errors
/// When it cannot be read; names file, line and field.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    super::answer(&args.file, files::allocate)
}

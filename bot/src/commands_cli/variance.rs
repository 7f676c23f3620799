//! `governor variance`: why an amount changed.

use std::path::PathBuf;
use std::process::ExitCode;

use workflow_engine::finance::files;

/// Say why an amount changed: price, volume, mix; drivers of model calls; savings.
///
/// The file has groups `pvm` (rows), `driver_tree` (p0, p1) and `savings` (strata, shadow_cost).
#[derive(clap::Args)]
#[command(after_help = "Examples:
  governor variance october.json
  governor variance - < october.json | jq .")]
pub struct Args {
    /// The two periods; `-` reads stdin.
    #[arg(value_name = "FILE.json")]
    file: PathBuf,
}

/// Answers the file.
///
/// # Errors
/// When it cannot be read; names file, line and field.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    super::answer(&args.file, files::variance)
}

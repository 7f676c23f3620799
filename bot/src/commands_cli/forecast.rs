//! `governor forecast`: month-end forecast and anomalies of daily series.

use std::path::PathBuf;
use std::process::ExitCode;

use workflow_engine::finance::files;

/// Forecast daily series and find days that stand out.
///
/// The file has `cases`: id, daily, first_weekday, known_changes ([day, multiplier] of route and price changes), horizon.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  governor forecast series.json
  governor forecast - < series.json | jq .")]
pub struct Args {
    /// The series; `-` reads stdin.
    #[arg(value_name = "SERIES.json")]
    file: PathBuf,
}

/// Answers the file.
///
/// # Errors
/// When it cannot be read; names file, line and field.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    super::answer(&args.file, files::forecast)
}

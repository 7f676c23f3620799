//! `cargo xtask diagram`: the state machine, found by running it.

use std::{io::Write, process::ExitCode};

/// Print the state machine as Mermaid text, found by running it.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// Prints it.
pub(crate) fn run(_: &Args) -> anyhow::Result<ExitCode> {
    writeln!(
        std::io::stdout(),
        "{}",
        workflow_engine::change::diagram::diagram()
    )?;
    Ok(ExitCode::SUCCESS)
}

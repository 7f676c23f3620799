//! Chores of this repository.

use std::io::Write;

use clap::{Parser, Subcommand};

/// Chores of this repository.
///
/// Examples:
///   cargo xtask diagram        the state machine as Mermaid text, for README.md
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", verbatim_doc_comment)]
struct Args {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Print the state machine as Mermaid text, found by running it.
    Diagram,
}

fn main() -> anyhow::Result<()> {
    let text = match Args::parse().chore {
        Chore::Diagram => workflow_engine::change::diagram::diagram(),
    };
    writeln!(std::io::stdout(), "{text}")?;
    Ok(())
}

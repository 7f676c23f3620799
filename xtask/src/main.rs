//! Chores of this repository: one file a chore.

mod diagram;
mod soak;

use clap::{Parser, Subcommand};

/// Chores of this repository.
///
/// Examples:
///   cargo xtask diagram                  the state machine as Mermaid text, for README.md
///   cargo xtask soak                     three replicas for ten minutes while everything breaks
///   cargo xtask soak --minutes 2 --seed 7
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", verbatim_doc_comment)]
struct Args {
    #[command(subcommand)]
    chore: Chore,
}

/// One variant a chore.
#[derive(Debug, Subcommand)]
enum Chore {
    Diagram(diagram::Args),
    Soak(soak::Args),
}

fn main() -> anyhow::Result<std::process::ExitCode> {
    match Args::parse().chore {
        Chore::Diagram(args) => diagram::run(&args),
        Chore::Soak(args) => soak::run(&args),
    }
}

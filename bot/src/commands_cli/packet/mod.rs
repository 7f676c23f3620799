//! `governor packet`: writes a change's evidence packet with its proofs, and checks one offline.

mod export;
mod verify;

use std::process::ExitCode;

use clap::Subcommand;

use super::{Format, print};

/// The packet itself.
const PACKET: &str = "packet.dsse.json";
/// The key that signed it, and the ledger's heads.
const KEY: &str = "packet.pub.pem";
/// The ledger's entry that names the packet.
const ENTRY: &str = "entry";
/// The proof of that entry.
const PROOF: &str = "packet.tlog-proof";
/// The votes on the packet: `0007.entry` with `0007.tlog-proof`.
const VOTES: &str = "votes";

/// Write a change's evidence packet with its proofs, or check one offline.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  governor packet export 142 --out packet-142 && governor packet verify packet-142/packet.dsse.json")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Verify(verify::Args),
    Export(export::Args),
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
/// When something cannot be read or written; that a packet does not hold is no error.
pub async fn answer(args: &Args, format: Format) -> anyhow::Result<(String, bool)> {
    match &args.command {
        Command::Verify(args) => verify::run(args, format),
        Command::Export(args) => export::run(args, format).await,
    }
}

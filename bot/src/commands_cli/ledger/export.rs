//! `governor ledger export`: the signed ledger as files that others' tools read.

use std::path::PathBuf;

use serde_json::json;
use workflow_engine::{engine::ledger::Ledger, ledger::note::SignedCheckpoint};

use super::{
    super::Format,
    source::{self, ConfigFile, log_key_of},
};

/// Write the signed ledger as C2SP tlog-tiles: checkpoint, tile/…, tile/entries/…, log.pub.pem, log.vkey.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  governor ledger export --out export && governor ledger verify --dir export")]
pub(super) struct Args {
    /// The folder to write; made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    config: ConfigFile,
}

pub(super) async fn run(args: &Args, format: Format) -> anyhow::Result<(String, bool)> {
    let config = args.config.load()?;
    let db = source::open(&config).await?;
    let key = log_key_of(&config, &db, None).await?;
    let ledger = Ledger::new(db, key.key);
    let entries = ledger.export(&args.out).await?;
    let head = ledger.checkpoint().await?.as_ref().map(SignedCheckpoint::to_text);
    let said = match format {
        Format::Json => json!({"entries": entries, "out": args.out, "checkpoint": head}).to_string(),
        Format::Text if entries == 0 => "Nothing is sealed yet; only the key was written.".to_owned(),
        Format::Text => format!(
            "{entries} entries written to {}. Check them with `governor ledger verify --dir {}`, or without us: docs/verifying.md.",
            args.out.display(),
            args.out.display()
        ),
    };
    Ok((said + "\n", true))
}

//! `governor ledger prove-row` and `verify-row`: a single call, from its figures to the signed head in two short proofs.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context;
use serde_json::json;
use workflow_engine::{
    engine::{Engine, ledger::Ledger},
    ledger::{
        proof::Proof,
        rows::{self, RowProof},
    },
    usage::call::CallId,
};

use super::{
    super::{Format, bad, read},
    source::{self, ConfigFile, Key, key_file, log_key_of},
};
use crate::{clock::SystemClock, storage};

const ROW: &str = "row";
const ROW_PROOF: &str = "row.proof";
const ENTRY: &str = "entry";
const PROOF: &str = "entry.tlog-proof";

/// Write a call's row with the two proofs that lead from it to the signed head: row, row.proof, entry, entry.tlog-proof.
///
/// The entry seals all calls of the row's day (UTC): their number, the sum of their cost and the root over them.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  governor ledger prove-row 0198c5a2-6c00-8d1f-9a3e-6f1d2c3b4a59 --out row && governor ledger verify-row row")]
pub(super) struct Prove {
    /// The call's id (`governor calls export`)
    id: CallId,
    /// The folder to write; made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    config: ConfigFile,
}

/// Check a call's row offline: it is one of the calls sealed for its day, and that seal is in the ledger. Exit 1: it is
/// not.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  governor ledger verify-row row --key trusted.pub.pem")]
pub(super) struct Verify {
    /// The folder that `prove-row` wrote
    dir: PathBuf,
    /// The log's public key (PEM or verifier key) from somewhere you trust; log.vkey in the folder when left out
    #[arg(long, value_name = "PUB")]
    key: Option<PathBuf>,
}

pub(super) async fn prove(args: &Prove, format: Format) -> anyhow::Result<(String, bool)> {
    let config = args.config.load()?;
    let db = source::open(&config).await?;
    let key = log_key_of(&config, &db, None).await?.key;
    let clock = Arc::new(SystemClock);
    let connections = config.database.calls_max_connections;
    let calls = storage::connect_calls(&config.calls_url(), connections, clock.clone()).await?;
    let ledger = Ledger::new(db.clone(), key.clone());
    let proven = Engine::new(db, clock).prove_call(&calls, args.id).await?;
    let index = ledger.place_of_notice(proven.batch.n).await?;
    let index = index.context("the day's entry is not sealed yet; sealing takes about a second")?;

    let out = &args.out;
    std::fs::create_dir_all(out).with_context(|| out.display().to_string())?;
    let put = |name: &str, bytes: &[u8]| {
        std::fs::write(out.join(name), bytes).with_context(|| out.join(name).display().to_string())
    };
    put(ROW, &proven.row)?;
    put(ROW_PROOF, proven.proof.to_text().as_bytes())?;
    put(ENTRY, &ledger.entry(index).await?)?;
    put(PROOF, ledger.proof(index).await?.to_text().as_bytes())?;
    put("log.vkey", format!("{key}\n").as_bytes())?;
    put("log.pub.pem", key.to_pem().as_bytes())?;
    let (number, count) = (proven.proof.index, proven.batch.count);
    let said = match format {
        Format::Json => json!({"row": number, "rows": count, "entry": index, "out": out}).to_string(),
        Format::Text => format!(
            "Call {}, row {number} of {count} of its day, sealed by entry #{index}, written to {}.",
            args.id,
            out.display()
        ),
    };
    Ok((said + "\n", true))
}

pub(super) fn verify(args: &Verify, format: Format) -> anyhow::Result<(String, bool)> {
    let bytes = |name: &str| {
        let path = args.dir.join(name);
        std::fs::read(&path).with_context(|| path.display().to_string())
    };
    let (row, entry) = (bytes(ROW)?, bytes(ENTRY)?);
    let (inner, outer) = (read(&args.dir.join(ROW_PROOF))?, read(&args.dir.join(PROOF))?);
    let origin = outer.split_once("\n\n").and_then(|(_, note)| note.lines().next());
    let key = key_file(
        args.key.as_deref().unwrap_or(&args.dir.join("log.vkey")),
        origin.filter(|origin| !origin.is_empty()).unwrap_or("unknown"),
    )?;
    let shown: serde_json::Value =
        serde_json::from_slice(&row).map_err(|error| bad(Path::new(ROW), error))?;
    let outcome = RowProof::parse(&inner).and_then(|inner| {
        let outer = Proof::parse(&outer)?;
        rows::verify(&row, &inner, &entry, &outer, &key.key)
    });
    let holds = outcome.is_ok();
    let said = match (outcome, format) {
        (Ok((batch, head)), Format::Json) => {
            json!({"holds": true, "row": shown, "batch": batch, "ledger_size": head.size}).to_string()
        }
        (Err(fault), Format::Json) => json!({"holds": false, "fault": fault.to_string()}).to_string(),
        (Ok((batch, head)), Format::Text) => format!(
            "The row holds: call {} of {} USD.\n  It is one of the {} {} of {}, {} USD in all, sealed in the ledger of {} \
             ({} entries).\n{}",
            shown["id"].as_str().unwrap_or("?"),
            shown["cost_usd"].as_str().unwrap_or("unknown"),
            batch.count,
            batch.rows,
            batch.from.get(..10).unwrap_or(&batch.from),
            batch.cost_usd.plain(),
            key.key.name(),
            head.size,
            advice(args, &key),
        ),
        (Err(fault), Format::Text) => format!("The row does not hold.\n  {fault}."),
    };
    Ok((said.trim_end().to_owned() + "\n", holds))
}

fn advice(args: &Verify, key: &Key) -> String {
    match args.key {
        Some(_) => String::new(),
        None => format!(
            "  Checked with the key beside it, fingerprint {}. Give one you trust with --key.",
            key.key.fingerprint()
        ),
    }
}

//! `governor witness`: a small independent witness that cosigns checkpoints it has checked for consistency.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context, bail};
use serde_json::json;
use tokio::net::TcpListener;
use workflow_engine::{
    engine::log_key,
    ledger::key::{KeyKind, SigningKey, VerifierKey},
};

use super::{Format, bad, print};
use crate::{clock::SystemClock, witness::Witness};

/// Run a witness: it cosigns heads of the ledgers it knows, and only ones that go on from the last it saw.
///
/// Run it on another machine and under other hands than the ledger. It keeps its key, the newest head of each ledger
/// and the ledgers' keys in --dir; keep that folder: a witness that has forgotten protects nobody. Any program that
/// speaks C2SP tlog-witness can ask it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  governor witness --dir witness --log log.vkey                      answers on 127.0.0.1:7071
  governor witness --dir witness --listen 10.0.0.9:7071              ledgers it was told of before
  governor witness --dir witness --print-key                         the line for [ledger] witnesses")]
pub struct Args {
    /// Where it answers
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7071")]
    listen: SocketAddr,
    /// Its key, and what it has seen
    #[arg(long, value_name = "DIR", default_value = "witness")]
    dir: PathBuf,
    /// A ledger to watch from now on: its verifier key, or the file that holds it (log.vkey of an export)
    #[arg(long, value_name = "VKEY")]
    log: Vec<String>,
    /// Its name in its cosignatures, chosen once at its first start
    #[arg(long, value_name = "NAME", default_value = "governor-witness")]
    name: String,
    /// Print the verifier key that ledgers need to know, and end
    #[arg(long)]
    print_key: bool,
}

/// Serves until it is interrupted.
///
/// # Errors
/// When its folder or address cannot be used, or no ledger is known.
pub async fn run(args: &Args, format: Format) -> anyhow::Result<ExitCode> {
    let key = key(&args.dir, &args.name)?;
    let vkey = key.public().to_string();
    if args.print_key {
        print(&match format {
            Format::Json => format!(
                "{}\n",
                json!({"vkey": vkey, "fingerprint": key.public().fingerprint()})
            ),
            Format::Text => format!("{vkey}\n"),
        })?;
        return Ok(ExitCode::SUCCESS);
    }
    let logs = logs(&args.dir, &args.log)?;
    if logs.is_empty() {
        bail!("no ledger is known; name one with --log log.vkey (`governor ledger export` writes that file)");
    }
    for log in &logs {
        tracing::info!(log = log.name(), fingerprint = log.fingerprint(), "watches");
    }
    let witness = Witness::open(&args.dir, key, logs, Arc::new(SystemClock))?;
    let listener = TcpListener::bind(args.listen)
        .await
        .with_context(|| format!("cannot listen on {}; choose another with --listen", args.listen))?;
    let address = listener.local_addr()?;
    print(&match format {
        Format::Json => format!("{}\n", json!({"url": format!("http://{address}"), "vkey": vkey})),
        Format::Text => format!("Witness {vkey}\nanswers on http://{address}. Stop it with Ctrl-C.\n"),
    })?;
    axum::serve(listener, Arc::new(witness).router())
        .with_graceful_shutdown(async { drop(tokio::signal::ctrl_c().await) })
        .await?;
    Ok(ExitCode::SUCCESS)
}

/// Its key, made at the first start. The name is part of every cosignature, so it is kept beside the key.
fn key(dir: &Path, name: &str) -> anyhow::Result<SigningKey> {
    let (path, beside) = (dir.join("witness.key"), dir.join("witness.vkey"));
    let known = std::fs::read_to_string(&beside).ok();
    let known = known
        .map(|text| VerifierKey::parse(text.trim()).map_err(|fault| bad(&beside, fault)))
        .transpose()?;
    let name = known.as_ref().map_or(name, VerifierKey::name);
    let key = log_key::read_or_make(&path, name, KeyKind::Cosignature, &SystemClock)?;
    match &known {
        Some(known) if known != key.public() => {
            Err(bad(&beside, "it is not the key of witness.key beside it"))
        }
        Some(_) => Ok(key),
        None => {
            std::fs::write(&beside, format!("{}\n", key.public()))
                .with_context(|| beside.display().to_string())?;
            Ok(key)
        }
    }
}

/// The ledgers it was told of, the new ones kept in `dir/logs.vkey` for the next start.
fn logs(dir: &Path, new: &[String]) -> anyhow::Result<Vec<VerifierKey>> {
    let path = dir.join("logs.vkey");
    let mut logs = Vec::new();
    for line in std::fs::read_to_string(&path).unwrap_or_default().lines() {
        logs.push(VerifierKey::parse(line.trim()).map_err(|fault| bad(&path, fault))?);
    }
    let known = logs.len();
    for named in new {
        let text = match Path::new(named) {
            file if file.is_file() => super::read(file)?,
            _ => named.clone(),
        };
        let log = VerifierKey::parse(text.trim()).map_err(|fault| bad(Path::new("--log"), fault))?;
        if log.kind() != KeyKind::Note {
            return Err(bad(Path::new("--log"), "that is a witness's key, not a ledger's"));
        }
        if !logs.contains(&log) {
            logs.push(log);
        }
    }
    if logs.len() > known {
        let text: String = logs.iter().map(|log| format!("{log}\n")).collect();
        std::fs::write(&path, text).with_context(|| path.display().to_string())?;
    }
    Ok(logs)
}

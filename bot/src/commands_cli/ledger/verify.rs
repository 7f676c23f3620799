//! `governor ledger verify`: the whole ledger in the database or in exported files, and that it goes on from what was kept.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::json;
use workflow_engine::{
    engine::{
        Engine,
        audit::{Fault, Report},
        ledger::Ledger,
    },
    ledger::{
        merkle::{Hash, Head},
        note::SignedCheckpoint,
        offline,
    },
    store::db::Db,
};

use super::{
    super::{Format, read},
    source::{self, ConfigFile, Key, key_file, log_key_of, root_at},
    witnessed::{self, Seen},
};
use crate::{clock::SystemClock, config::Config, storage};

/// Check the whole ledger: every entry, hash chain, digest, packet and signature. Exit 1: it does not hold.
///
/// Without --dir it checks the database, also while the service runs. With --dir it checks exported files and needs
/// nothing else.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  governor ledger verify --config /etc/governor.toml
  governor ledger verify --dir export --key log.vkey
  governor ledger verify --checkpoint seen-in-chat-last-month
  governor ledger verify --witness witness.vkey
  governor ledger verify --format json | jq .holds")]
pub(super) struct Args {
    /// Exported files (`governor ledger export`) instead of the database
    #[arg(long)]
    dir: Option<PathBuf>,
    /// The log's public key (PEM or verifier key) from somewhere you trust
    #[arg(long, value_name = "PUB")]
    key: Option<PathBuf>,
    /// A checkpoint that you kept (from chat, the SIEM, a witness): the ledger must still begin with it
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// The verifier keys of witnesses, one a line: each must have cosigned a head that the ledger still begins with
    #[arg(long, value_name = "FILE")]
    witness: Option<PathBuf>,
    /// Also compare the calls of every sealed day with their seals; reads every call that is still kept
    #[arg(long, conflicts_with = "dir")]
    calls: bool,
    #[command(flatten)]
    config: ConfigFile,
}

pub(super) async fn run(args: &Args, format: Format) -> anyhow::Result<(String, bool)> {
    match &args.dir {
        Some(dir) => verify_files(dir, args, format),
        None => verify_database(args, format).await,
    }
}

async fn verify_database(args: &Args, format: Format) -> anyhow::Result<(String, bool)> {
    let config = args.config.load()?;
    let db = source::open(&config).await?;
    let key = log_key_of(&config, &db, args.key.as_deref()).await?;
    let ledger = Ledger::new(db.clone(), key.key.clone());
    let mut report = ledger.verify().await?;
    if let (true, Some(path)) = (report.holds, &args.checkpoint) {
        let kept = kept(path, &key)?;
        let fault = match kept {
            Ok(head) => begins_with(&head, ledger.root_at(head.size).await?, path),
            Err(fault) => Some(fault),
        };
        blame(&mut report, fault);
    }
    let mut seen = Vec::new();
    if let (true, Some(path)) = (report.holds, &args.witness) {
        match witnessed::in_database(&ledger, &witnessed::keys(path)?).await? {
            Ok(heads) => seen = heads,
            Err(fault) => blame(&mut report, Some(fault)),
        }
    }
    let mut days = None;
    if args.calls && report.holds {
        let (compared, faults) = sealed_calls(&config, db).await?;
        days = Some(compared);
        report.fault = faults.into_iter().next().map(|what| Fault {
            index: None,
            place: "call",
            what,
        });
        report.holds = report.fault.is_none();
    }
    let said = match format {
        Format::Json => {
            let mut document = json!(report);
            document["days_of_calls"] = json!(days);
            document["key"] = describe(&key);
            format!("{document}\n")
        }
        Format::Text => {
            words(&report, &key) + &days_words(days) + &seen.iter().map(Seen::words).collect::<String>()
        }
    };
    Ok((said, report.holds))
}

async fn sealed_calls(config: &Config, db: Db) -> anyhow::Result<(usize, Vec<String>)> {
    let clock = Arc::new(SystemClock);
    let connections = config.database.calls_max_connections;
    let calls = storage::connect_calls(&config.calls_url(), connections, clock.clone()).await?;
    Ok(Engine::new(db, clock).check_calls(&calls).await?)
}

fn days_words(days: Option<usize>) -> String {
    days.map_or_else(String::new, |days| {
        format!("  The calls of {days} days were compared with their seals.\n")
    })
}

/// A fault in what came from elsewhere: a checkpoint that was kept, a witness's cosignature.
fn blame(report: &mut Report, fault: Option<String>) {
    report.fault = fault.map(|what| Fault {
        index: None,
        place: "checkpoint",
        what,
    });
    report.holds = report.fault.is_none();
}

fn words(report: &Report, key: &Key) -> String {
    let looked_at = format!(
        "{} entries of {} changes, {} signed heads, {} packets, {} texts",
        report.entries, report.changes, report.checkpoints, report.packets, report.notes
    );
    let Some(fault) = &report.fault else {
        let waiting = format!("{} events wait to be sealed.", report.waiting);
        return format!("The ledger holds: {looked_at}. {waiting}\n{}", key_words(key));
    };
    format!(
        "The ledger does not hold.\n  {}.\n  Found in table {} after {looked_at} were fine.\n{}",
        fault.what,
        fault.place,
        key_words(key)
    )
}

fn key_words(key: &Key) -> String {
    let advice = if key.independent {
        ""
    } else {
        "\n  That key lies beside what was checked. Give one you trust with --key FILE, or compare its fingerprint."
    };
    format!(
        "  Checked with the key of {}, fingerprint {}, from {}.{advice}\n",
        key.key.name(),
        key.key.fingerprint(),
        key.source
    )
}

fn describe(key: &Key) -> serde_json::Value {
    json!({
        "vkey": key.key.to_string(),
        "fingerprint": key.key.fingerprint(),
        "source": key.source,
        "independent": key.independent,
    })
}

fn verify_files(dir: &Path, args: &Args, format: Format) -> anyhow::Result<(String, bool)> {
    let checkpoint = read(&dir.join("checkpoint"))?;
    let key = match &args.key {
        Some(path) => {
            let origin = checkpoint.lines().next().unwrap_or_default();
            key_file(path, origin)?
        }
        None => Key {
            independent: false,
            ..key_file(&dir.join("log.vkey"), "")?
        },
    };
    let outcome = offline::verify_files(&key.key, |path| std::fs::read(dir.join(path)).ok());
    let mut outcome = outcome.map_err(|fault| fault.to_string());
    if let (Ok(head), Some(path)) = (&outcome, &args.checkpoint) {
        let fault = match kept(path, &key)? {
            Ok(kept) => begins_with(&kept, root_at(dir, kept.size, head.size), path),
            Err(fault) => Some(fault),
        };
        outcome = fault.map_or(outcome, Err);
    }
    let mut seen = Vec::new();
    if let (Ok(head), Some(path)) = (&outcome, &args.witness) {
        match witnessed::in_folder(dir, &key.key, &witnessed::keys(path)?, |size| {
            root_at(dir, size, head.size)
        }) {
            Ok(heads) => seen = heads,
            Err(fault) => outcome = Err(fault),
        }
    }
    let size = outcome.as_ref().map_or(0, |head: &Head| head.size);
    let said = match format {
        Format::Json => {
            let fault = outcome.as_ref().err().map(|fault| json!({"what": fault}));
            let document =
                json!({"holds": outcome.is_ok(), "entries": size, "fault": fault, "key": describe(&key)});
            format!("{document}\n")
        }
        Format::Text => {
            let said = match &outcome {
                Ok(head) => format!("The ledger holds: {} entries, as signed.\n", head.size),
                Err(fault) => format!("The ledger does not hold.\n  {fault}.\n"),
            };
            said + &key_words(&key) + &seen.iter().map(Seen::words).collect::<String>()
        }
    };
    Ok((said, outcome.is_ok()))
}

/// The head of a checkpoint from elsewhere, if the log signed it; the inner error is why it did not.
fn kept(path: &Path, key: &Key) -> anyhow::Result<Result<Head, String>> {
    let head = SignedCheckpoint::parse(&read(path)?).and_then(|note| note.verify(&key.key));
    Ok(head.map_err(|fault| format!("{}: {fault}", path.display())))
}

/// What is wrong when the ledger, whose root at that size is `root`, does not begin with a head that was kept.
fn begins_with(kept: &Head, root: Option<Hash>, path: &Path) -> Option<String> {
    let (size, path) = (kept.size, path.display());
    match root {
        Some(root) if root == kept.root => None,
        Some(_) => Some(format!(
            "the first {size} entries are not those of {path}: the past was rewritten and signed anew, \
             which only the holder of the key can do"
        )),
        None => Some(format!(
            "{path} is of {size} entries, but the ledger has fewer: its end was cut off"
        )),
    }
}

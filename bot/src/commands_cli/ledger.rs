//! `governor ledger`: checks the whole ledger, writes it as files for outsiders, makes its key.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Subcommand;
use secrecy::ExposeSecret;
use serde_json::json;
use workflow_engine::{
    engine::{
        audit::{Fault, Report},
        ledger::Ledger,
        log_key,
    },
    ledger::{
        key::{KeyKind, SigningKey},
        merkle::{Hash, Head},
        note::SignedCheckpoint,
        offline,
    },
    ports::clock::Clock,
};

use super::{
    Format, bad,
    ledger_source::{self, ConfigFile, Key, key_file, log_key_of, root_at},
    print,
};
use crate::clock::SystemClock;

/// Check the ledger, write it as files for outsiders, make its key.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Verify(Verify),
    Export(Export),
    Keygen(Keygen),
}

/// Check the whole ledger: every entry, hash chain, digest, packet and signature. Exit 1: it does not hold.
///
/// Without --dir it checks the database, also while the service runs. With --dir it checks exported files and needs
/// nothing else.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  governor ledger verify --config /etc/governor.toml
  governor ledger verify --dir export --key log.vkey
  governor ledger verify --checkpoint seen-in-chat-last-month
  governor ledger verify --format json | jq .holds")]
struct Verify {
    /// Exported files (`governor ledger export`) instead of the database
    #[arg(long)]
    dir: Option<PathBuf>,
    /// The log's public key (PEM or verifier key) from somewhere you trust
    #[arg(long, value_name = "PUB")]
    key: Option<PathBuf>,
    /// A checkpoint that you kept (from chat, the SIEM, a witness): the ledger must still begin with it
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigFile,
}

/// Write the signed ledger as C2SP tlog-tiles: checkpoint, tile/…, tile/entries/…, log.pub.pem, log.vkey.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  governor ledger export --out export && governor ledger verify --dir export")]
struct Export {
    /// The folder to write; made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    config: ConfigFile,
}

/// Make an Ed25519 key for the ledger. The service makes one itself at its first start; replicas need one in common.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  governor ledger keygen --out ledger.key
  GOVERNOR_LEDGER__SIGNING_KEY_FILE=/run/secrets/ledger.key governor serve")]
struct Keygen {
    /// Where to write the private key, readable by its owner only; without it the key is printed
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The log's name, which is part of every signature; the configuration's when left out
    #[arg(long, value_name = "NAME")]
    origin: Option<String>,
    #[command(flatten)]
    config: ConfigFile,
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
/// When something cannot be read or written; that the ledger does not hold is no error.
pub async fn answer(args: &Args, format: Format) -> anyhow::Result<(String, bool)> {
    match &args.command {
        Command::Verify(args) => match &args.dir {
            Some(dir) => verify_files(dir, args, format),
            None => verify_database(args, format).await,
        },
        Command::Export(args) => export(args, format).await,
        Command::Keygen(args) => keygen(args, format),
    }
}

async fn verify_database(args: &Verify, format: Format) -> anyhow::Result<(String, bool)> {
    let config = args.config.load()?;
    let db = ledger_source::open(&config).await?;
    let key = log_key_of(&config, &db, args.key.as_deref()).await?;
    let ledger = Ledger::new(db, key.key.clone());
    let mut report = ledger.verify().await?;
    if let (true, Some(path)) = (report.holds, &args.checkpoint) {
        let kept = kept(path, &key)?;
        let fault = match kept {
            Ok(head) => begins_with(&head, ledger.root_at(head.size).await?, path),
            Err(fault) => Some(fault),
        };
        report.fault = fault.map(|what| Fault {
            index: None,
            place: "checkpoint",
            what,
        });
        report.holds = report.fault.is_none();
    }
    let said = match format {
        Format::Json => {
            let mut document = json!(report);
            document["key"] = describe(&key);
            format!("{document}\n")
        }
        Format::Text => words(&report, &key),
    };
    Ok((said, report.holds))
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

fn verify_files(dir: &Path, args: &Verify, format: Format) -> anyhow::Result<(String, bool)> {
    let checkpoint = super::read(&dir.join("checkpoint"))?;
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
            said + &key_words(&key)
        }
    };
    Ok((said, outcome.is_ok()))
}

/// The head of a checkpoint from elsewhere, if the log signed it; the inner error is why it did not.
fn kept(path: &Path, key: &Key) -> anyhow::Result<Result<Head, String>> {
    let head = SignedCheckpoint::parse(&super::read(path)?).and_then(|note| note.verify(&key.key));
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

async fn export(args: &Export, format: Format) -> anyhow::Result<(String, bool)> {
    let config = args.config.load()?;
    let db = ledger_source::open(&config).await?;
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

fn keygen(args: &Keygen, format: Format) -> anyhow::Result<(String, bool)> {
    let origin = match &args.origin {
        Some(origin) => origin.clone(),
        None => args.config.load()?.ledger.origin,
    };
    let key = match &args.out {
        Some(path) => log_key::make(path, &origin, &SystemClock)?,
        None => {
            let mut seed = [0; 32];
            SystemClock.random(&mut seed);
            SigningKey::from_seed(&origin, KeyKind::Note, &seed)
                .map_err(|fault| bad(Path::new("--origin"), fault))?
        }
    };
    let private = args.out.is_none().then(|| key.to_pem());
    let private = private.as_ref().map(|pem| pem.expose_secret());
    let public = key.public();
    let names = format!("Verifier key: {public}\nFingerprint: {}\n", public.fingerprint());
    let said = match (format, private) {
        (Format::Json, private) => {
            let document = json!({
                "private_key": private,
                "public_key": public.to_pem(),
                "vkey": public.to_string(),
                "fingerprint": public.fingerprint(),
            });
            format!("{document}\n")
        }
        (Format::Text, None) => names,
        // The key alone goes to stdout, so that it can be piped into a secret store.
        (Format::Text, Some(private)) => {
            io::stderr().write_all(names.as_bytes())?;
            private.to_owned()
        }
    };
    Ok((said, true))
}

//! `governor ledger keygen`: a key for the ledger.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use secrecy::ExposeSecret;
use serde_json::json;
use workflow_engine::{
    engine::log_key,
    ledger::key::{KeyKind, SigningKey},
    ports::clock::Clock,
};

use super::{
    super::{Format, bad},
    source::ConfigFile,
};
use crate::clock::SystemClock;

/// Make an Ed25519 key for the ledger. The service makes one itself at its first start; replicas need one in common.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  governor ledger keygen --out ledger.key
  GOVERNOR_LEDGER__SIGNING_KEY_FILE=/run/secrets/ledger.key governor serve")]
pub(super) struct Args {
    /// Where to write the private key, readable by its owner only; without it the key is printed
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The log's name, which is part of every signature; the configuration's when left out
    #[arg(long, value_name = "NAME")]
    origin: Option<String>,
    #[command(flatten)]
    config: ConfigFile,
}

pub(super) fn run(args: &Args, format: Format) -> anyhow::Result<(String, bool)> {
    let origin = match &args.origin {
        Some(origin) => origin.clone(),
        None => args.config.load()?.ledger.origin,
    };
    let key = match &args.out {
        Some(path) => log_key::make(path, &origin, KeyKind::Note, &SystemClock)?,
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

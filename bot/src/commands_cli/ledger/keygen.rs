//! `governor ledger keygen`: a key for the ledger.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::bail;
use secrecy::ExposeSecret;
use serde_json::json;
use workflow_engine::{
    engine::{log_key, notices},
    ledger::{
        key::{KeyKind, SigningKey},
        notice::Notice,
    },
    ports::clock::Clock,
    store::{db::Db, ledger::read},
    values::Actor,
};

use super::{
    super::{Format, bad},
    source::ConfigFile,
};
use crate::{clock::SystemClock, storage};

/// Make an Ed25519 key for the ledger. The service makes one itself at its first start; replicas need one in common.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  governor ledger keygen --out ledger.key
  GOVERNOR_LEDGER__SIGNING_KEY_FILE=/run/secrets/ledger.key governor serve
  governor ledger keygen --rotate --out data/ledger.key.next      the running service announces it; docs/verifying.md")]
pub(super) struct Args {
    /// Where to write the private key, readable by its owner only; without it the key is printed
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Announce the new key in the ledger, under the key that signs now, so that it may take over
    #[arg(long, requires = "out", conflicts_with = "origin")]
    rotate: bool,
    /// The log's name, which is part of every signature; the configuration's when left out
    #[arg(long, value_name = "NAME")]
    origin: Option<String>,
    #[command(flatten)]
    config: ConfigFile,
}

pub(super) async fn run(args: &Args, format: Format) -> anyhow::Result<(String, bool)> {
    let (said, key) = make(args, format)?;
    if !args.rotate {
        return Ok((said, true));
    }
    let config = args.config.load()?;
    let db = Db::open_beside(&config.database_url()).await?;
    storage::up_to_date(&db).await?;
    let Some(from) = read::log_key(db.reads()).await? else {
        bail!("nothing is sealed yet, so there is no key to replace; use the new key from the start");
    };
    let notice = Notice::KeyAnnounced {
        from,
        to: key.public().to_string(),
    };
    let by = Actor::Service("command line".to_owned());
    notices::record(&db, &SystemClock, &by, notice).await?;
    let next = "Announced. The service seals that within a second. Then give every replica the new key \
                (ledger.signing_key, or ledger.key in its data directory), restart it, and tell the witnesses the new \
                verifier key.\n";
    Ok(match format {
        Format::Json => (said, true),
        Format::Text => (said + next, true),
    })
}

/// Makes the key; gives what to print, and the key.
fn make(args: &Args, format: Format) -> anyhow::Result<(String, SigningKey)> {
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
    let public = key.public().clone();
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
    Ok((said, key))
}

//! What `ledger` and `packet` share: the configured database opened to look at, and the key to check with.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use workflow_engine::{
    engine::log_key,
    ledger::{
        key::{KeyKind, SigningKey, VerifierKey},
        merkle::{Hash, Plan, empty_root},
        tiles::Tile,
    },
    store::{db::Db, ledger::read},
};

use crate::config::Config;

/// `--config FILE`.
#[derive(Debug, clap::Args)]
pub(crate) struct ConfigFile {
    /// The configuration; `governor.toml` in the working directory when left out
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl ConfigFile {
    pub(crate) fn load(&self) -> anyhow::Result<Config> {
        Ok(Config::load(self.config.as_deref())?)
    }
}

/// The governance database, which must be there; it is not locked and not changed.
pub(crate) async fn open(config: &Config) -> anyhow::Result<Db> {
    Ok(Db::open_for_reading(&config.database_url(), 2).await?)
}

/// A key to check with, and where it is from.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) key: VerifierKey,
    /// In words, for the report.
    pub(crate) source: String,
    /// Whether it came from elsewhere than the thing that is checked.
    pub(crate) independent: bool,
}

/// The private key of the configuration, if it has one or one was made in its data directory.
pub(crate) fn signing_key(config: &Config) -> anyhow::Result<Option<(SigningKey, String)>> {
    let origin = &config.ledger.origin;
    if let Some(pem) = &config.ledger.signing_key {
        let key = log_key::from_pem(pem, origin).context("ledger.signing_key")?;
        return Ok(Some((key, "ledger.signing_key".to_owned())));
    }
    let path = config.server.data_dir.join("ledger.key");
    if !path.is_file() {
        return Ok(None);
    }
    Ok(Some((
        log_key::read(&path, origin, KeyKind::Note)?,
        path.display().to_string(),
    )))
}

/// The key for the database's ledger: the file given, else the configured one, else the one the database names itself.
pub(crate) async fn log_key_of(config: &Config, db: &Db, given: Option<&Path>) -> anyhow::Result<Key> {
    if let Some(path) = given {
        return key_file(path, &config.ledger.origin);
    }
    if let Some((key, source)) = signing_key(config)? {
        return Ok(Key {
            key: key.public().clone(),
            source,
            independent: true,
        });
    }
    let Some(vkey) = read::log_key(db.reads()).await? else {
        bail!(
            "nothing is sealed yet, and there is no ledger key; start `governor serve`, or give --key FILE"
        );
    };
    let key = VerifierKey::parse(&vkey).context("table ledger_head, vkey")?;
    Ok(Key {
        key,
        source: "the database itself".to_owned(),
        independent: false,
    })
}

/// A public key in a file: a verifier key (`log.vkey`), or PEM, which has no name and takes `name`.
pub(crate) fn key_file(path: &Path, name: &str) -> anyhow::Result<Key> {
    let text = super::super::read(path)?;
    let text = text.trim();
    let key = if text.starts_with("-----BEGIN") {
        VerifierKey::from_pem(name, KeyKind::Note, text)
    } else {
        VerifierKey::parse(text)
    };
    let key = key.with_context(|| path.display().to_string())?;
    Ok(Key {
        key,
        source: path.display().to_string(),
        independent: true,
    })
}

/// The root over the first `size` entries, from the tile files of a tree of `total` in `folder`.
pub(crate) fn root_at(folder: &Path, size: u64, total: u64) -> Option<Hash> {
    if size == 0 {
        return Some(empty_root());
    }
    let read = |node| {
        let bytes = std::fs::read(folder.join(Tile::holding(node, total).path())).map_err(drop)?;
        Tile::node(&bytes, node).ok_or(())
    };
    Plan::root(size).fill(read).ok()?.first().copied()
}

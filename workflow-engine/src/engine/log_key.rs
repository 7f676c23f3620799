//! The private key of the log, or of a witness: made once and kept in a file that only its owner may read.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

use secrecy::{ExposeSecret, SecretString};

use super::private_file;
use crate::{
    ledger::key::{KeyFault, KeyKind, SigningKey},
    ports::clock::Clock,
};

/// Why there is no key to sign with.
#[derive(Debug, thiserror::Error)]
pub enum LogKeyError {
    /// The file cannot be read or written.
    #[error("{}: {what} ({why}); check that the folder exists and that this user may use it", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was tried.
        what: &'static str,
        /// What the system says.
        why: std::io::Error,
    },
    /// The file holds something else.
    #[error("{}: {why}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: KeyFault,
    },
}

/// The key in `folder/ledger.key`, made at the first start; `name` is the log's origin. Two processes that start
/// together end up with one key.
///
/// # Errors
/// When the file cannot be used, or does not hold an Ed25519 key.
pub fn in_folder(folder: &Path, name: &str, clock: &dyn Clock) -> Result<SigningKey, LogKeyError> {
    read_or_make(&folder.join("ledger.key"), name, KeyKind::Note, clock)
}

/// The key in a file, made if the file is not there; as [`in_folder`].
///
/// # Errors
/// As [`in_folder`].
pub fn read_or_make(
    path: &Path,
    name: &str,
    kind: KeyKind,
    clock: &dyn Clock,
) -> Result<SigningKey, LogKeyError> {
    match read(path, name, kind) {
        Err(LogKeyError::File { why, .. }) if why.kind() == ErrorKind::NotFound => {}
        other => return other,
    }
    match make(path, name, kind, clock) {
        Err(LogKeyError::File { why, .. }) if why.kind() == ErrorKind::AlreadyExists => {
            read(path, name, kind)
        }
        other => other,
    }
}

/// The key in a file.
///
/// # Errors
/// As [`in_folder`].
pub fn read(path: &Path, name: &str, kind: KeyKind) -> Result<SigningKey, LogKeyError> {
    let pem = std::fs::read_to_string(path).map_err(|why| file(path, "cannot be read", why))?;
    SigningKey::from_pem(name, kind, &pem).map_err(|why| LogKeyError::Key {
        path: path.to_owned(),
        why,
    })
}

/// The key in a setting.
///
/// # Errors
/// When it is not an Ed25519 key in PKCS#8 PEM form.
pub fn from_pem(pem: &SecretString, name: &str) -> Result<SigningKey, KeyFault> {
    SigningKey::from_pem(name, KeyKind::Note, pem.expose_secret())
}

/// Makes a new key and writes it to `path`, which must not be there yet; only the owner may read it.
///
/// # Errors
/// When the file is there already or cannot be written.
pub fn make(path: &Path, name: &str, kind: KeyKind, clock: &dyn Clock) -> Result<SigningKey, LogKeyError> {
    let mut seed = [0; 32];
    clock.random(&mut seed);
    let key = SigningKey::from_seed(name, kind, &seed).map_err(|why| LogKeyError::Key {
        path: path.to_owned(),
        why,
    })?;
    private_file::make(path, key.to_pem().expose_secret(), clock)
        .map_err(|why| file(path, "cannot be written", why))?;
    Ok(key)
}

fn file(path: &Path, what: &'static str, why: std::io::Error) -> LogKeyError {
    LogKeyError::File {
        path: path.to_owned(),
        what,
        why,
    }
}

//! Prompts and answers of a run, encrypted with a key of its own: destroying that key erases them everywhere.
//!
//! AES-256-GCM with random 96-bit nonces (NIST SP 800-38D): `nonce ‖ ciphertext ‖ tag`. A run's data key is wrapped the
//! same way by the master key. Run, trace and arm are bound in, so that no text can be passed off as another's.

use std::{fmt, io::ErrorKind, path::Path, sync::Arc};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use chrono::TimeDelta;
use secrecy::{ExposeSecret, SecretString};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    change::command::Command,
    engine::{Engine, HandleError, Request, private_file},
    ports::clock::Clock,
    store::{self, error::StoreError, shadow_content::SealedText},
    values::{Actor, RunId},
};

/// Wraps the data keys of all runs. Whoever holds it and the database can read what runs saw.
pub struct MasterKey(LessSafeKey);

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

/// Why content cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The master key is no key.
    #[error("{0}")]
    Master(String),
    /// Its key was destroyed at the end of its retention.
    #[error(
        "what this test saw was erased at the end of its retention; figures and verdicts stay in the packet"
    )]
    Erased,
    /// It was written under another master key, or somebody has changed it.
    #[error(
        "what this test saw cannot be decrypted; was the content key of this installation replaced? Put the old one back"
    )]
    Sealed,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl MasterKey {
    /// The key in a setting: 32 bytes as 64 hexadecimal digits.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn parse(hex_digits: &SecretString) -> Result<Self, VaultError> {
        let bytes = hex::decode(hex_digits.expose_secret().trim()).ok();
        let key = bytes.and_then(|bytes| UnboundKey::new(&AES_256_GCM, &bytes).ok());
        key.map(|key| Self(LessSafeKey::new(key))).ok_or_else(|| {
            VaultError::Master(
                "the content key must be 64 hexadecimal digits; make one with `openssl rand -hex 32`"
                    .to_owned(),
            )
        })
    }

    /// The key in `folder/content.key`, made at the first start.
    ///
    /// # Errors
    /// When the file cannot be used or holds something else.
    pub fn in_folder(folder: &Path, clock: &dyn Clock) -> Result<Self, VaultError> {
        let path = folder.join("content.key");
        let mut bytes = [0; 32];
        clock.random(&mut bytes);
        let file = |why: std::io::Error| VaultError::Master(format!("{}: {why}", path.display()));
        match private_file::make(&path, &hex::encode(bytes), clock) {
            Err(why) if why.kind() != ErrorKind::AlreadyExists => return Err(file(why)),
            _ => {}
        }
        let text = std::fs::read_to_string(&path).map_err(file)?;
        Self::parse(&SecretString::from(text))
            .map_err(|why| VaultError::Master(format!("{}: {why}", path.display())))
    }
}

/// The data key of one run.
pub struct RunKey {
    run: RunId,
    key: LessSafeKey,
    pseudonyms: [u8; 32],
}

impl RunKey {
    /// Whose key it is.
    pub(super) fn run(&self) -> &RunId {
        &self.run
    }

    /// The key of the run's pseudonyms; it ends with the run's key.
    pub(super) fn pseudonyms(&self) -> [u8; 32] {
        self.pseudonyms
    }
}

/// Keeps what runs saw. Cheap to clone.
#[derive(Clone)]
pub struct Vault {
    pub(super) engine: Engine,
    master: Arc<MasterKey>,
    keep: TimeDelta,
}

impl Vault {
    /// A vault whose contents last for `keep`.
    #[must_use]
    pub fn new(engine: Engine, master: Arc<MasterKey>, keep: TimeDelta) -> Self {
        Self { engine, master, keep }
    }

    /// The data key of a run, made when it is first asked for.
    pub(super) async fn key(&self, run: &RunId) -> Result<RunKey, VaultError> {
        if store::shadow_content::key(self.engine.db(), run).await?.is_none() {
            let mut data = [0; 32];
            self.engine.clock().random(&mut data);
            let wrapped = self.encrypt(&self.master.0, run.as_str(), &data)?;
            let now = self.engine.clock().now();
            let times = (now.timestamp_millis(), (now + self.keep).timestamp_millis());
            store::shadow_content::keep_key(self.engine.db(), run, wrapped, times).await?;
        }
        // Read back: another replica may have been first.
        self.existing(run).await
    }

    /// The data key of a run that has one.
    pub(super) async fn existing(&self, run: &RunId) -> Result<RunKey, VaultError> {
        let stored = store::shadow_content::key(self.engine.db(), run).await?;
        let stored = stored
            .filter(|stored| stored.erased_at.is_none())
            .ok_or(VaultError::Erased)?;
        let data = decrypt(&self.master.0, run.as_str(), stored.wrapped)?;
        let key = UnboundKey::new(&AES_256_GCM, &data).map_err(|_| VaultError::Sealed)?;
        Ok(RunKey {
            run: run.clone(),
            key: LessSafeKey::new(key),
            pseudonyms: crate::shadow::sample::digest(&data, "pseudonyms"),
        })
    }

    /// `content` of one arm of one trace, ready to be stored.
    pub(super) fn seal(
        &self,
        key: &RunKey,
        (trace, arm): (&str, &str),
        content: &impl Serialize,
    ) -> Result<SealedText, VaultError> {
        let text = serde_json::to_vec(content).map_err(StoreError::from)?;
        Ok(SealedText {
            trace_id: trace.to_owned(),
            arm: arm.to_owned(),
            sealed: self.encrypt(&key.key, &place(&key.run, trace, arm), &text)?,
        })
    }

    fn encrypt(&self, key: &LessSafeKey, bound: &str, text: &[u8]) -> Result<Vec<u8>, VaultError> {
        let mut nonce = [0; NONCE_LEN];
        self.engine.clock().random(&mut nonce);
        let mut sealed = text.to_vec();
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(bound), &mut sealed)
            .map_err(|_| VaultError::Sealed)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Destroys the keys that are due, and puts each on record in the ledger of its change; how many were destroyed.
    ///
    /// # Errors
    /// When the database does not answer; what was done by then stays done.
    pub async fn erase_due(&self) -> Result<u64, HandleError> {
        let now = self.engine.clock().now().timestamp_millis();
        let mut erased = 0;
        for run in store::shadow_content::due(self.engine.db(), now).await? {
            // On record first: a crash between the two repeats the erasure, never forgets to tell.
            self.record(&run).await?;
            erased += u64::from(store::shadow_content::erase(self.engine.db(), &run, now).await?);
        }
        Ok(erased)
    }

    async fn record(&self, run: &RunId) -> Result<(), HandleError> {
        let Some(stored) = store::shadow::by_id(self.engine.db(), run).await? else {
            return Ok(());
        };
        self.engine
            .handle(Request {
                actor: Actor::Service("retention".to_owned()),
                key: format!("erase:{run}"),
                change: stored.plan.change,
                command: Command::RecordErasure { run: run.clone() },
                notes: Vec::new(),
                completes: None,
            })
            .await?;
        Ok(())
    }
}

/// What one stored text says.
pub(super) fn open<T: DeserializeOwned>(key: &RunKey, text: SealedText) -> Result<T, VaultError> {
    let bound = place(&key.run, &text.trace_id, &text.arm);
    let plain = decrypt(&key.key, &bound, text.sealed)?;
    Ok(serde_json::from_slice(&plain).map_err(StoreError::from)?)
}

fn place(run: &RunId, trace: &str, arm: &str) -> String {
    format!("{run}|{trace}|{arm}")
}

fn decrypt(key: &LessSafeKey, bound: &str, mut sealed: Vec<u8>) -> Result<Vec<u8>, VaultError> {
    if sealed.len() < NONCE_LEN {
        return Err(VaultError::Sealed);
    }
    let mut text = sealed.split_off(NONCE_LEN);
    let nonce = Nonce::try_assume_unique_for_key(&sealed).map_err(|_| VaultError::Sealed)?;
    let length = key
        .open_in_place(nonce, Aad::from(bound), &mut text)
        .map_err(|_| VaultError::Sealed)?
        .len();
    text.truncate(length);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> LessSafeKey {
        LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[byte; 32]).unwrap())
    }

    fn sealed(text: &[u8]) -> Vec<u8> {
        let mut sealed = text.to_vec();
        key(1)
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key([7; 12]),
                Aad::from("run|t1|candidate"),
                &mut sealed,
            )
            .unwrap();
        [[7; 12].as_slice(), &sealed].concat()
    }

    #[test]
    fn a_text_opens_only_whole_in_its_own_place_and_under_its_own_key() {
        let text = sealed(b"where is order 7?");
        assert_eq!(
            decrypt(&key(1), "run|t1|candidate", text.clone()).unwrap(),
            b"where is order 7?"
        );
        let mut broken = text.clone();
        *broken.last_mut().unwrap() ^= 1;
        for refused in [
            decrypt(&key(1), "run|t2|candidate", text.clone()),
            decrypt(&key(2), "run|t1|candidate", text.clone()),
            decrypt(&key(1), "run|t1|candidate", broken),
            decrypt(&key(1), "run|t1|candidate", text[..9].to_vec()),
        ] {
            assert!(matches!(refused, Err(VaultError::Sealed)));
        }
    }

    #[test]
    fn the_master_key_is_64_hexadecimal_digits() {
        assert!(MasterKey::parse(&SecretString::from("ab".repeat(32))).is_ok());
        for bad in ["", "secret", &"ab".repeat(16)] {
            let why = MasterKey::parse(&SecretString::from(bad))
                .unwrap_err()
                .to_string();
            assert!(why.contains("64 hexadecimal digits"), "{why}");
        }
        assert_eq!(
            format!(
                "{:?}",
                MasterKey::parse(&SecretString::from("ab".repeat(32))).unwrap()
            ),
            "MasterKey(…)"
        );
    }
}

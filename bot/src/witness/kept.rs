//! The heads a witness has cosigned: one small file, replaced as a whole and synced before anybody hears of a head.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};
use workflow_engine::{ledger::merkle::Head, values::Digest};

/// Why heads cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// The file cannot be read or written.
    #[error("{}: {what} ({why}); check that the folder exists and that this user may write there", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was tried.
        what: &'static str,
        /// What the system says.
        why: std::io::Error,
    },
    /// The file holds something else. It is never made anew by itself: a witness that forgot would sign a fork.
    #[error("{}: {why}; put back the newest copy of this file, as a witness that has forgotten protects nobody", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Where it stops being readable.
        why: serde_json::Error,
    },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Stored {
    size: u64,
    root: Digest,
    /// The note with our cosignature: what we say of this ledger to whoever asks.
    note: String,
}

/// The newest head of each log, by its origin.
pub struct Kept {
    path: PathBuf,
    // Two witnesses on one folder would forget each other's heads.
    _lock: File,
    heads: Mutex<BTreeMap<String, Stored>>,
}

impl Kept {
    /// The heads in `folder/heads.json`; none when the file is not there yet.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn open(folder: &Path) -> Result<Self, KeptError> {
        let path = folder.join("heads.json");
        let lock = File::create(folder.join("lock"))
            .and_then(|lock| Ok(lock.try_lock().map(|()| lock)?))
            .map_err(|why| fault(&path, "is another witness's; each needs a folder of its own", why))?;
        let heads = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|why| KeptError::Unreadable {
                path: path.clone(),
                why,
            })?,
            Err(why) if why.kind() == ErrorKind::NotFound => BTreeMap::new(),
            Err(why) => return Err(fault(&path, "cannot be read", why)),
        };
        Ok(Self {
            path,
            _lock: lock,
            heads: Mutex::new(heads),
        })
    }

    /// Moves the head of `origin` to what `judge` says of the one held, with its cosigned note, durably; one at a time,
    /// so that two requests cannot both go on from the same head.
    ///
    /// # Errors
    /// What `judge` says, or [`KeptError`]; the head held stays as it is then.
    pub fn advance<E: From<KeptError>>(
        &self,
        origin: &str,
        judge: impl FnOnce(Option<Head>) -> Result<(Head, String), E>,
    ) -> Result<(), E> {
        let mut heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
        let held = heads.get(origin).map(head);
        let (new, note) = judge(held)?;
        let mut next = heads.clone();
        let stored = Stored {
            size: new.size,
            root: Digest(new.root),
            note,
        };
        next.insert(origin.to_owned(), stored);
        self.write(&next)?;
        *heads = next;
        Ok(())
    }

    /// The newest cosigned note of each log, by its origin.
    pub fn notes(&self) -> BTreeMap<String, String> {
        let heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
        heads
            .iter()
            .map(|(origin, stored)| (origin.clone(), stored.note.clone()))
            .collect()
    }

    /// Written aside, synced and renamed into place; then the folder is synced, so that the name is durable too.
    fn write(&self, heads: &BTreeMap<String, Stored>) -> Result<(), KeptError> {
        let draft = self.path.with_extension("tmp");
        let written = serde_json::to_vec_pretty(heads)
            .map_err(std::io::Error::from)
            .and_then(|bytes| {
                let mut file = File::create(&draft)?;
                file.write_all(&bytes)?;
                file.sync_all()?;
                std::fs::rename(&draft, &self.path)?;
                match self.path.parent() {
                    Some(folder) => File::open(folder)?.sync_all(),
                    None => Ok(()),
                }
            });
        written.map_err(|why| fault(&self.path, "cannot be written", why))
    }
}

fn head(stored: &Stored) -> Head {
    Head {
        size: stored.size,
        root: stored.root.0,
    }
}

fn fault(path: &Path, what: &'static str, why: std::io::Error) -> KeptError {
    KeptError::File {
        path: path.to_owned(),
        what,
        why,
    }
}

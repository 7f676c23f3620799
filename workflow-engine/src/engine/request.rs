//! What comes to the door, and what it answers.

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::Engine;
use crate::{
    change::{
        command::Command,
        refusal::Refusal,
        state::{NoteRef, State},
    },
    store::{commit::JobTicket, error::StoreError},
    values::{Actor, ChangeId, ChangeNumber, Digest, Revision},
};

/// A command on its way to a change.
#[derive(Clone, Debug)]
pub struct Request {
    /// Who sends it.
    pub actor: Actor,
    /// Whoever repeats it uses the same: a delivery's id, an `Idempotency-Key`, `job:<id>:<token>`.
    pub key: String,
    /// To which change.
    pub change: ChangeNumber,
    /// What.
    pub command: Command,
    /// The texts that the command refers to.
    pub notes: Vec<Note>,
    /// The job whose result this is.
    pub completes: Option<JobTicket>,
}

/// Text of a person on its way into its erasable row.
#[derive(Clone, Debug)]
pub struct Note {
    /// What the command and the event carry.
    pub reference: NoteRef,
    /// 32 random bytes.
    pub(super) salt: [u8; 32],
    /// The text.
    pub text: String,
}

/// What came of a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The change's id.
    pub change: ChangeId,
    /// Its number.
    pub number: ChangeNumber,
    /// Where it stands after the command.
    pub state: State,
    /// Its edition.
    pub revision: Revision,
    /// Its version.
    pub version: i64,
    /// Numbers of the events that the command made, within the change.
    pub events: Vec<u32>,
    /// Whether this is the stored answer to a repeat.
    #[serde(skip)]
    pub repeated: bool,
}

/// Why a command did not happen.
#[derive(Debug, thiserror::Error)]
pub enum HandleError {
    /// The rules do not allow it.
    #[error("{0}")]
    Refused(Refusal),
    /// There is no such change.
    #[error("there is no change {0}")]
    NotFound(ChangeNumber),
    /// The key was used for something else.
    #[error("the key `{0}` was used for another command; use a new one")]
    KeyReused(String),
    /// The job's claim is void: somebody else has it now.
    #[error("the job was taken over by another worker; this result is dropped")]
    ClaimLost,
    /// Others were faster again and again.
    #[error("the change is being worked on by others; try again")]
    Busy,
    /// What was filed names something that the catalog does not have.
    #[error("{0}")]
    Invalid(String),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Refusal> for HandleError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Engine {
    /// A note of `text`, to be sent along with the command that carries its reference.
    #[must_use]
    pub fn note(&self, text: &str) -> Note {
        let mut salt = [0; 32];
        self.clock.random(&mut salt);
        Note {
            reference: NoteRef {
                id: self.clock.new_id().to_string(),
                commitment: commitment(&salt, text),
            },
            salt,
            text: text.to_owned(),
        }
    }
}

/// HMAC-SHA256 of the text under its salt: tells nothing once the salt is gone.
#[must_use]
pub fn commitment(salt: &[u8; 32], text: &str) -> Digest {
    // HMAC takes keys of any length.
    let mut mac = match Hmac::<Sha256>::new_from_slice(salt) {
        Ok(mac) => mac,
        Err(_) => return Digest([0; 32]),
    };
    mac.update(text.as_bytes());
    Digest(mac.finalize().into_bytes().into())
}

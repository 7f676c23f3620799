//! The keys that have signed this ledger: today's, and those before it that announced their successor in an entry.

use sea_orm::ConnectionTrait;

use crate::{
    ledger::{
        key::VerifierKey,
        merkle::Head,
        note::{NoteFault, SignedCheckpoint},
        notice::{Leaf, Notice},
    },
    store::{error::StoreError, ledger::notices},
};

/// Keys, the trusted one first.
#[derive(Clone, Debug)]
pub struct Keyring(Vec<VerifierKey>);

/// A sealed announcement of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announced {
    /// The entry's place.
    pub index: u64,
    /// The key that signed so far.
    pub from: VerifierKey,
    /// The key that may sign from then on.
    pub to: VerifierKey,
}

/// The announcement in an entry's bytes, if it is one.
#[must_use]
pub fn announced(index: u64, body: &[u8]) -> Option<Announced> {
    let leaf: Leaf = serde_json::from_slice(body).ok()?;
    let Notice::KeyAnnounced { from, to } = leaf.event else {
        return None;
    };
    Some(Announced {
        index,
        from: VerifierKey::parse(&from).ok()?,
        to: VerifierKey::parse(&to).ok()?,
    })
}

impl Keyring {
    /// `trusted` alone.
    #[must_use]
    pub fn of(trusted: &VerifierKey) -> Self {
        Self(vec![trusted.clone()])
    }

    /// `trusted` and the keys before it, as sealed entries name them. Those entries are only as good as the head that
    /// `trusted` signs over them.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn load(conn: &impl ConnectionTrait, trusted: &VerifierKey) -> Result<Self, StoreError> {
        let mut all = sealed(conn).await?;
        let mut ring = Self::of(trusted);
        while let Some(oldest) = ring.0.last() {
            let Some(at) = all.iter().rposition(|one| one.to == *oldest) else {
                break;
            };
            let before = all.swap_remove(at).from;
            if ring.0.contains(&before) {
                break;
            }
            ring.0.push(before);
        }
        Ok(ring)
    }

    /// Adds a key that one of these has announced.
    pub fn add(&mut self, key: VerifierKey) {
        if !self.0.contains(&key) {
            self.0.push(key);
        }
    }

    /// The keys, the trusted one first.
    #[must_use]
    pub fn keys(&self) -> &[VerifierKey] {
        &self.0
    }

    /// The head, and which of these keys signed it.
    ///
    /// # Errors
    /// What is wrong with the signature of the trusted key, if none of them signed it.
    pub fn verify(&self, note: &SignedCheckpoint) -> Result<(Head, &VerifierKey), NoteFault> {
        let mut first = None;
        for key in &self.0 {
            match note.verify(key) {
                Ok(head) => return Ok((head, key)),
                Err(fault) => first = first.or(Some(fault)),
            }
        }
        Err(first.unwrap_or(NoteFault::Malformed("no key was given")))
    }
}

/// Every announcement that is sealed, oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn sealed(conn: &impl ConnectionTrait) -> Result<Vec<Announced>, StoreError> {
    let rows = notices::of_kind(conn, "key_announced").await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| announced(row.index?, &row.body))
        .collect())
}

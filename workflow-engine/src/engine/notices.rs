//! Writes entries of the ledger that belong to no change, together with what they speak of.

use sea_orm::DatabaseTransaction;

use super::{
    Engine,
    envelope::chained,
    keyring::{self, Announced},
};
use crate::{
    ledger::{
        key::VerifierKey,
        notice::{Leaf, Notice, STREAM},
    },
    ports::clock::Clock,
    store::{
        db::{Db, UnitFuture},
        error::StoreError,
        ledger::{
            notices::{self, Appended},
            read,
        },
    },
    values::Actor,
};

/// How often a unit is tried again when another entry was appended at the same moment.
const TRIES: usize = 8;

/// Appends `notice` inside a transaction that also does what the notice says. Gives its number in the stream.
///
/// # Errors
/// [`StoreError::Duplicate`] when another was appended meanwhile: the transaction is then to be tried again.
pub async fn append(
    tx: &DatabaseTransaction,
    actor: &Actor,
    at: i64,
    notice: Notice,
) -> Result<i32, StoreError> {
    let actor = actor.to_string();
    notices::append(tx, |n, before| {
        let kind = notice.name();
        let leaf = Leaf {
            stream: STREAM.to_owned(),
            n: n.unsigned_abs(),
            at,
            actor: actor.clone(),
            event: notice,
        };
        let body = serde_json_canonicalizer::to_vec(&leaf)?;
        let hash = chained(before, &body);
        Ok(Appended {
            kind,
            actor,
            at,
            body,
            hash,
        })
    })
    .await
}

/// Runs a unit that appends entries; tries it again when it met another.
///
/// # Errors
/// What the unit says.
pub async fn unit<T, F>(db: &Db, unit: F) -> Result<T, StoreError>
where
    T: Send + 'static,
    F: for<'tx> Fn(&'tx DatabaseTransaction) -> UnitFuture<'tx, T> + Clone + Send + 'static,
{
    let mut left = TRIES;
    loop {
        match db.write(unit.clone()).await {
            Err(StoreError::Duplicate(_) | StoreError::Contended) if left > 0 => left -= 1,
            outcome => return outcome,
        }
    }
}

impl Engine {
    /// Appends one entry that stands for itself. Gives its number in the stream.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn notice(&self, actor: &Actor, notice: Notice) -> Result<i32, StoreError> {
        record(self.db(), self.clock().as_ref(), actor, notice).await
    }
}

impl Engine {
    /// After a start with a key that the one before it has announced: an entry says so, so that a head of the new key
    /// follows at once. Nothing, if the key is the same or was announced by nobody.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn key_in_use(&self, key: &VerifierKey) -> Result<(), StoreError> {
        let before = read::log_key(self.db().reads()).await?;
        let next = |one: &Announced| one.to == *key && Some(one.from.to_string()) == before;
        if !keyring::sealed(self.db().reads()).await?.iter().any(next) {
            return Ok(());
        }
        let key = key.to_string();
        let service = Actor::Service("ledger".to_owned());
        self.notice(&service, Notice::KeyInUse { key }).await.map(drop)
    }
}

/// The same without an engine, for the command line.
///
/// # Errors
/// When the database cannot be written.
pub async fn record(db: &Db, clock: &dyn Clock, actor: &Actor, notice: Notice) -> Result<i32, StoreError> {
    let (actor, at) = (actor.clone(), clock.now().timestamp_millis());
    unit(db, move |tx| {
        let (actor, notice) = (actor.clone(), notice.clone());
        Box::pin(async move { append(tx, &actor, at, notice).await })
    })
    .await
}

//! Changes and their events, for reading.

use entities::{change, command, event};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{
    db::{Backend, Db},
    error::StoreError,
    statement::Text,
};
use crate::{
    change::{
        event::Event,
        state::{Change, State},
    },
    values::{ChangeNumber, Digest},
};

/// A change with what a transition is guarded by.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The aggregate.
    pub change: Change,
    /// Rises with every commit.
    pub version: i64,
    /// The version of the rules that it follows.
    pub definition_version: u32,
    /// Hash of the last event.
    pub head: Digest,
}

/// A command's stored answer.
#[derive(Clone, Debug)]
pub struct Answered {
    /// What was asked.
    pub payload_sha256: Digest,
    /// The answer, as JSON.
    pub result: String,
}

/// One stored event.
#[derive(Clone, Debug)]
pub struct StoredEvent {
    /// Its place among all events of the database; not the order of commits.
    pub seq: i64,
    /// The change it belongs to, or another stream.
    pub change_id: String,
    /// Its number within the change.
    pub n: u32,
    /// Its word.
    pub kind: String,
    /// Who.
    pub actor: String,
    /// Key of the command that made it: tells which surface it came by.
    pub command_key: String,
    /// When, milliseconds UTC.
    pub at: i64,
    /// The bytes that are hashed.
    pub body: Vec<u8>,
}

impl StoredEvent {
    /// The event itself.
    ///
    /// # Errors
    /// When the bytes are not an event of this program's version.
    pub fn event(&self) -> Result<Event, StoreError> {
        let envelope: crate::engine::envelope::Envelope = serde_json::from_slice(&self.body)?;
        Ok(envelope.event)
    }
}

impl From<event::Model> for StoredEvent {
    fn from(row: event::Model) -> Self {
        Self {
            seq: row.seq,
            change_id: row.change_id,
            n: u32::try_from(row.n).unwrap_or_default(),
            kind: row.kind,
            actor: row.actor,
            command_key: row.command_key,
            at: row.at,
            body: row.body,
        }
    }
}

/// The change of that number.
///
/// # Errors
/// When the database does not answer, or the row cannot be read.
pub async fn by_number(db: &Db, number: ChangeNumber) -> Result<Option<Loaded>, StoreError> {
    let row = change::Entity::find()
        .filter(change::Column::Number.eq(i64::try_from(number.0).unwrap_or(i64::MAX)))
        .one(db.reads())
        .await?;
    row.map(loaded).transpose()
}

/// The change of that id.
///
/// # Errors
/// As [`by_number`].
pub async fn by_id(db: &Db, id: &str) -> Result<Option<Loaded>, StoreError> {
    let row = change::Entity::find_by_id(id).one(db.reads()).await?;
    row.map(loaded).transpose()
}

/// Changes below `before`, newest first.
///
/// # Errors
/// As [`by_number`].
pub async fn newest(db: &Db, before: Option<u64>, limit: u64) -> Result<Vec<Loaded>, StoreError> {
    let mut query = change::Entity::find()
        .order_by_desc(change::Column::Number)
        .limit(limit);
    if let Some(before) = before {
        query = query.filter(change::Column::Number.lt(i64::try_from(before).unwrap_or(i64::MAX)));
    }
    query.all(db.reads()).await?.into_iter().map(loaded).collect()
}

/// Open changes that follow rules outside `carried` (lowest and highest version): number and version, the oldest first,
/// at most `limit`.
///
/// # Errors
/// As [`by_number`].
pub async fn outside(
    db: &Db,
    carried: (u32, u32),
    limit: u64,
) -> Result<Vec<(ChangeNumber, u32)>, StoreError> {
    let version = change::Column::DefinitionVersion;
    let finals = State::ALL.into_iter().filter(|state| state.is_final());
    let rows: Vec<(i64, i32)> = change::Entity::find()
        .select_only()
        .columns([change::Column::Number, version])
        .filter(
            Condition::any()
                .add(version.lt(carried.0))
                .add(version.gt(carried.1)),
        )
        .filter(change::Column::State.is_not_in(finals.map(State::as_str)))
        .order_by_asc(change::Column::Number)
        .limit(limit)
        .into_tuple()
        .all(db.reads())
        .await?;
    Ok(rows
        .into_iter()
        .map(|(number, version)| {
            let number = ChangeNumber(u64::try_from(number).unwrap_or_default());
            (number, u32::try_from(version).unwrap_or_default())
        })
        .collect())
}

/// The events of a change, oldest first.
///
/// # Errors
/// As [`by_number`].
pub async fn events(db: &Db, change_id: &str) -> Result<Vec<StoredEvent>, StoreError> {
    let rows = event::Entity::find()
        .filter(event::Column::ChangeId.eq(change_id))
        .order_by_asc(event::Column::N)
        .all(db.reads())
        .await?;
    Ok(rows.into_iter().map(StoredEvent::from).collect())
}

/// Events of every change after `seq`, in the order of their insertion.
///
/// # Errors
/// As [`by_number`].
pub async fn events_after(db: &Db, seq: i64, limit: u64) -> Result<Vec<StoredEvent>, StoreError> {
    let rows = event::Entity::find()
        .filter(event::Column::Seq.gt(seq))
        .order_by_asc(event::Column::Seq)
        .limit(limit)
        .all(db.reads())
        .await?;
    Ok(rows.into_iter().map(StoredEvent::from).collect())
}

/// The stored answer to the command of that key.
///
/// # Errors
/// As [`by_number`].
pub async fn answered(db: &Db, key: &str) -> Result<Option<Answered>, StoreError> {
    let row = command::Entity::find_by_id(key).one(db.reads()).await?;
    row.map(|row| {
        Ok(Answered {
            payload_sha256: digest(row.payload_sha256)?,
            result: row.result,
        })
    })
    .transpose()
}

const NEXT_NUMBER: Text = Text {
    postgres: "SELECT nextval('change_number') AS n",
    sqlite: "SELECT coalesce(max(number), 0) + 1 AS n FROM change",
};

/// The number that the next change gets. One that is given and then not used is not given again.
///
/// # Errors
/// As [`by_number`].
pub async fn next_number(db: &Db) -> Result<ChangeNumber, StoreError> {
    if db.backend() == Backend::Postgres {
        return look_for_number(db).await;
    }
    // SQLite has one process, which counts on from what it found.
    let mut last = db.last_number().lock().await;
    let next = match *last {
        Some(last) => ChangeNumber(last.0 + 1),
        None => look_for_number(db).await?,
    };
    *last = Some(next);
    Ok(next)
}

async fn look_for_number(db: &Db) -> Result<ChangeNumber, StoreError> {
    let rows = db.look(NEXT_NUMBER, Vec::new()).await?;
    let number: Option<i64> = rows.first().map(|row| row.try_get("", "n")).transpose()?;
    let number = number.and_then(|number| u64::try_from(number).ok());
    Ok(ChangeNumber(number.unwrap_or(1)))
}

/// Thirty-two stored bytes as a digest.
pub(crate) fn digest(bytes: Vec<u8>) -> Result<Digest, StoreError> {
    <[u8; 32]>::try_from(bytes)
        .map(Digest)
        .map_err(|_| StoreError::Corrupt("a stored hash has not 32 bytes".to_owned()))
}

fn loaded(row: change::Model) -> Result<Loaded, StoreError> {
    Ok(Loaded {
        change: serde_json::from_str(&row.body)?,
        version: row.version,
        definition_version: u32::try_from(row.definition_version).unwrap_or_default(),
        head: digest(row.head_hash)?,
    })
}

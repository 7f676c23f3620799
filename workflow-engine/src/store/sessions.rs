//! People who are signed in, and links that sign them in once. Only the SHA-256 of each secret is stored.

use chrono::{DateTime, Utc};
use entities::{session, sign_in_link};
use sea_orm::{ActiveModelTrait as _, ColumnTrait as _, EntityTrait as _, QueryFilter as _, Set};

use super::{db::Db, error::StoreError};
use crate::values::{Digest, PersonId};

/// Somebody who is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// SHA-256 of what the cookie holds.
    pub id: Digest,
    /// Who.
    pub person: PersonId,
    /// The secret that every form carries.
    pub csrf: String,
    /// When they signed in.
    pub since: DateTime<Utc>,
    /// When it ends.
    pub until: DateTime<Utc>,
}

/// Begins a session and ends `replaces`, the one that the browser had before.
///
/// # Errors
/// [`StoreError`] when it was not stored.
pub async fn begin(db: &Db, session: Session, replaces: Option<Digest>) -> Result<(), StoreError> {
    let row = session::ActiveModel {
        id_sha256: Set(session.id.0.to_vec()),
        person: Set(session.person.0),
        csrf: Set(session.csrf),
        created_at: Set(session.since.timestamp_millis()),
        expires_at: Set(session.until.timestamp_millis()),
        auth_at: Set(session.since.timestamp_millis()),
    };
    db.write(move |tx| {
        Box::pin(async move {
            if let Some(old) = replaces {
                session::Entity::delete_by_id(old.0.to_vec()).exec(tx).await?;
            }
            row.insert(tx).await?;
            Ok(())
        })
    })
    .await
}

/// The session behind a cookie, unless it has ended by `now`.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn find(db: &Db, id: Digest, now: DateTime<Utc>) -> Result<Option<Session>, StoreError> {
    let row = session::Entity::find_by_id(id.0.to_vec())
        .filter(session::Column::ExpiresAt.gt(now.timestamp_millis()))
        .one(db.reads())
        .await?;
    row.map(|row| {
        Ok(Session {
            id,
            person: PersonId(row.person),
            csrf: row.csrf,
            since: time(row.created_at)?,
            until: time(row.expires_at)?,
        })
    })
    .transpose()
}

/// Ends one session.
///
/// # Errors
/// [`StoreError`] when it was not stored.
pub async fn end(db: &Db, id: Digest) -> Result<(), StoreError> {
    db.write(move |tx| {
        Box::pin(async move {
            session::Entity::delete_by_id(id.0.to_vec()).exec(tx).await?;
            Ok(())
        })
    })
    .await
}

/// Ends every session and link of a person: they have left the company.
///
/// # Errors
/// [`StoreError`] when it was not stored.
pub async fn end_all_of(db: &Db, person: PersonId) -> Result<(), StoreError> {
    db.write(move |tx| {
        Box::pin(async move {
            session::Entity::delete_many()
                .filter(session::Column::Person.eq(person.as_str()))
                .exec(tx)
                .await?;
            sign_in_link::Entity::delete_many()
                .filter(sign_in_link::Column::Person.eq(person.as_str()))
                .exec(tx)
                .await?;
            Ok(())
        })
    })
    .await
}

/// Forgets sessions and links that ended before `now`. Answers how many sessions.
///
/// # Errors
/// [`StoreError`] when it was not stored.
pub async fn sweep(db: &Db, now: DateTime<Utc>) -> Result<u64, StoreError> {
    let now = now.timestamp_millis();
    db.write(move |tx| {
        Box::pin(async move {
            sign_in_link::Entity::delete_many()
                .filter(sign_in_link::Column::ExpiresAt.lt(now))
                .exec(tx)
                .await?;
            let gone = session::Entity::delete_many()
                .filter(session::Column::ExpiresAt.lt(now))
                .exec(tx)
                .await?;
            Ok(gone.rows_affected)
        })
    })
    .await
}

/// Stores a link that signs `person` in once, until `until`.
///
/// # Errors
/// [`StoreError`] when it was not stored.
pub async fn offer_link(
    db: &Db,
    link: Digest,
    person: PersonId,
    (since, until): (DateTime<Utc>, DateTime<Utc>),
) -> Result<(), StoreError> {
    let row = sign_in_link::ActiveModel {
        link_sha256: Set(link.0.to_vec()),
        person: Set(person.0),
        created_at: Set(since.timestamp_millis()),
        expires_at: Set(until.timestamp_millis()),
    };
    db.write(move |tx| {
        Box::pin(async move {
            row.insert(tx).await?;
            Ok(())
        })
    })
    .await
}

/// Whom a link would sign in, without using it up.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn peek_link(db: &Db, link: Digest, now: DateTime<Utc>) -> Result<Option<PersonId>, StoreError> {
    let row = sign_in_link::Entity::find_by_id(link.0.to_vec())
        .filter(sign_in_link::Column::ExpiresAt.gt(now.timestamp_millis()))
        .one(db.reads())
        .await?;
    Ok(row.map(|row| PersonId(row.person)))
}

/// Uses a link up: of two who come with the same link, one gets the person.
///
/// # Errors
/// [`StoreError`] when it was not stored.
pub async fn take_link(db: &Db, link: Digest, now: DateTime<Utc>) -> Result<Option<PersonId>, StoreError> {
    let Some(person) = peek_link(db, link, now).await? else {
        return Ok(None);
    };
    let taken = db
        .write(move |tx| {
            Box::pin(async move {
                let gone = sign_in_link::Entity::delete_by_id(link.0.to_vec())
                    .exec(tx)
                    .await?;
                Ok(gone.rows_affected > 0)
            })
        })
        .await?;
    Ok(taken.then_some(person))
}

fn time(millis: i64) -> Result<DateTime<Utc>, StoreError> {
    DateTime::from_timestamp_millis(millis).ok_or_else(|| StoreError::Corrupt(format!("{millis} is no time")))
}

//! Tokens of programs and people: only the SHA-256 of each is stored.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use entities::api_token;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, Set,
};
use subtle::ConstantTimeEq as _;

use super::{db::Db, error::StoreError};
use crate::values::{Digest, PersonId};

/// What a token may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenRole {
    /// Delivers calls of one source.
    Ingest,
    /// Asks for a decision on each request.
    Hook,
    /// Reads changes, workflows and calls.
    Reader,
    /// Files, votes and comments for the person it stands for.
    Member,
    /// Reads the audit stream and the ledger besides.
    Auditor,
    /// Reads statements and budgets besides.
    Finance,
    /// Everything.
    Admin,
}

impl TokenRole {
    /// Every role, in the order of the help text.
    pub const ALL: [Self; 7] = [
        Self::Ingest,
        Self::Hook,
        Self::Reader,
        Self::Member,
        Self::Auditor,
        Self::Finance,
        Self::Admin,
    ];

    /// The word on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Hook => "hook",
            Self::Reader => "reader",
            Self::Member => "member",
            Self::Auditor => "auditor",
            Self::Finance => "finance",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for TokenRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for TokenRole {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| {
                let known = Self::ALL.map(Self::as_str).join(", ");
                format!("`{text}` is no role of a token; known: {known}")
            })
    }
}

/// A token as it is known: everything but itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiToken {
    /// Its id, for revoking.
    pub id: String,
    /// What it was made for.
    pub name: String,
    /// What it may be used for.
    pub role: TokenRole,
    /// The source whose calls it delivers; its name when left out.
    pub source: Option<String>,
    /// Whom it stands for when it files and votes.
    pub person: Option<PersonId>,
}

/// Stores a token of which only `digest` is known.
///
/// # Errors
/// [`StoreError`] when it was not stored.
pub async fn create(db: &Db, token: ApiToken, digest: Digest, at: DateTime<Utc>) -> Result<(), StoreError> {
    let row = api_token::ActiveModel {
        id: Set(token.id),
        name: Set(token.name),
        role: Set(token.role.as_str().to_owned()),
        source: Set(token.source),
        person: Set(token.person.map(|person| person.0)),
        sha256: Set(digest.0.to_vec()),
        created_at: Set(at.timestamp_millis()),
        revoked_at: Set(None),
    };
    db.write(move |tx| {
        Box::pin(async move {
            row.insert(tx).await?;
            Ok(())
        })
    })
    .await
}

/// The token with that digest, unless it was revoked.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn find(db: &Db, digest: Digest) -> Result<Option<ApiToken>, StoreError> {
    let row = api_token::Entity::find()
        .filter(api_token::Column::Sha256.eq(digest.0.to_vec()))
        .filter(api_token::Column::RevokedAt.is_null())
        .one(db.reads())
        .await?;
    // The index has found it already; comparing again without leaking time costs nothing and holds if the index ever does not.
    let row = row.filter(|row| bool::from(row.sha256.as_slice().ct_eq(&digest.0)));
    row.map(from_row).transpose()
}

/// Tokens that may be used, oldest first.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn list(db: &Db) -> Result<Vec<ApiToken>, StoreError> {
    let rows = api_token::Entity::find()
        .filter(api_token::Column::RevokedAt.is_null())
        .order_by_asc(api_token::Column::CreatedAt)
        .all(db.reads())
        .await?;
    rows.into_iter().map(from_row).collect()
}

/// Makes a token useless. `false` when there is no such token, or it was revoked before.
///
/// # Errors
/// [`StoreError`] when it was not stored.
pub async fn revoke(db: &Db, id: String, at: DateTime<Utc>) -> Result<bool, StoreError> {
    db.write(move |tx| {
        Box::pin(async move {
            let done = api_token::Entity::update_many()
                .col_expr(api_token::Column::RevokedAt, at.timestamp_millis().into())
                .filter(api_token::Column::Id.eq(id))
                .filter(api_token::Column::RevokedAt.is_null())
                .exec(tx)
                .await?;
            Ok(done.rows_affected > 0)
        })
    })
    .await
}

fn from_row(row: api_token::Model) -> Result<ApiToken, StoreError> {
    Ok(ApiToken {
        id: row.id,
        name: row.name,
        role: row.role.parse().map_err(StoreError::Corrupt)?,
        source: row.source,
        person: row.person.map(PersonId),
    })
}

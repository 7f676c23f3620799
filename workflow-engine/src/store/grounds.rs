//! What a command is decided on, in one look at the database.

use sea_orm::QueryResult;

use super::{
    changes::{Answered, Loaded, digest},
    db::Db,
    error::StoreError,
    statement::Text,
};
use crate::values::{ChangeNumber, Digest, Route};

/// A change and what the rules look at beside it.
#[derive(Clone, Debug)]
pub struct Grounds {
    /// The change.
    pub loaded: Loaded,
    /// The catalog that holds now; none before the first.
    pub catalog: Option<Digest>,
    /// What a change last made live for the workflow. Only looked at with the gateway in play.
    pub live: Option<Route>,
    /// The highest generation that any gateway was given; 0 without the gateway in play.
    pub newest_generation: u64,
}

/// What a filing is decided on.
#[derive(Clone, Debug)]
pub struct FilingGrounds {
    /// The answer, when the key was used before.
    pub answered: Option<Answered>,
    /// The catalog that holds now; none before the first.
    pub catalog: Option<Digest>,
    /// What a change last made live for the workflow.
    pub live: Option<Route>,
}

const OF_CHANGE: Text = Text::same(
    "SELECT c.body, c.version, c.definition_version, c.head_hash,
       (SELECT digest FROM catalog_version ORDER BY seq DESC LIMIT 1) AS catalog,
       CASE WHEN c.state IN ('approved', 'applying', 'apply_failed', 'verifying')
         THEN (SELECT route FROM live_route l WHERE l.workflow = c.workflow) END AS live,
       CASE WHEN c.state IN ('approved', 'applying', 'apply_failed', 'verifying')
         THEN (SELECT max(generation) FROM live_route) END AS newest_generation
     FROM change c WHERE c.number = $1",
);

/// The grounds for a command on the change of that number.
///
/// # Errors
/// When the database does not answer, or a row cannot be read.
pub async fn of_change(db: &Db, number: ChangeNumber) -> Result<Option<Grounds>, StoreError> {
    let number = i64::try_from(number.0).unwrap_or(i64::MAX);
    let rows = db.look(OF_CHANGE, vec![number.into()]).await?;
    let read = |row: &QueryResult| {
        let body: String = row.try_get("", "body")?;
        let rules: i32 = row.try_get("", "definition_version")?;
        let newest: Option<i64> = row.try_get("", "newest_generation")?;
        Ok(Grounds {
            loaded: Loaded {
                change: serde_json::from_str(&body)?,
                version: row.try_get("", "version")?,
                definition_version: u32::try_from(rules).unwrap_or_default(),
                head: digest(row.try_get("", "head_hash")?)?,
            },
            catalog: catalog(row)?,
            live: live(row)?,
            newest_generation: newest
                .and_then(|newest| u64::try_from(newest).ok())
                .unwrap_or_default(),
        })
    };
    rows.first().map(read).transpose()
}

const OF_FILING: Text = Text::same(
    "SELECT (SELECT digest FROM catalog_version ORDER BY seq DESC LIMIT 1) AS catalog,
       (SELECT route FROM live_route WHERE workflow = $2) AS live, c.payload_sha256, c.result
     FROM (SELECT 1 AS one) AS one LEFT JOIN command c ON c.key = $1",
);

/// The grounds for filing a change of `workflow` under `key`.
///
/// # Errors
/// As [`of_change`].
pub async fn of_filing(db: &Db, key: &str, workflow: &str) -> Result<FilingGrounds, StoreError> {
    let rows = db.look(OF_FILING, vec![key.into(), workflow.into()]).await?;
    let row = rows
        .first()
        .ok_or_else(|| StoreError::Corrupt("a look without a row".to_owned()))?;
    let payload: Option<Vec<u8>> = row.try_get("", "payload_sha256")?;
    let answered = payload.map(|payload| {
        Ok::<_, StoreError>(Answered {
            payload_sha256: digest(payload)?,
            result: row.try_get("", "result")?,
        })
    });
    Ok(FilingGrounds {
        answered: answered.transpose()?,
        catalog: catalog(row)?,
        live: live(row)?,
    })
}

fn catalog(row: &QueryResult) -> Result<Option<Digest>, StoreError> {
    let bytes: Option<Vec<u8>> = row.try_get("", "catalog")?;
    bytes.map(digest).transpose()
}

fn live(row: &QueryResult) -> Result<Option<Route>, StoreError> {
    let json: Option<String> = row.try_get("", "live")?;
    Ok(json.map(|json| serde_json::from_str(&json)).transpose()?)
}

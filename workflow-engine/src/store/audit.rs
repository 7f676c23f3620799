//! What the audit reads beside the ledger: changes, packets and notes, all inside its one snapshot.

use sea_orm::{DatabaseTransaction, QueryResult};

use super::{
    error::StoreError,
    ledger::read::{all, one},
};
use crate::values::Digest;

/// Rows of changes after `id`, at most `limit`, in the order of their ids.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn changes(
    tx: &DatabaseTransaction,
    id: &str,
    limit: i64,
) -> Result<Vec<QueryResult>, StoreError> {
    let sql = "SELECT id, number, workflow, requester, state, revision, event_n, head_hash, deadline_at, body
               FROM change WHERE id > $1 ORDER BY id LIMIT $2";
    all(tx, sql, vec![id.into(), limit.into()]).await
}

/// The envelope of a packet.
///
/// # Errors
/// As [`changes`].
pub(crate) async fn envelope(tx: &DatabaseTransaction, packet: Digest) -> Result<Option<String>, StoreError> {
    let sql = "SELECT envelope FROM packet WHERE sha256 = $1";
    let row = one(tx, sql, vec![packet.0.to_vec().into()]).await?;
    Ok(row.map(|row| row.try_get("", "envelope")).transpose()?)
}

/// A note's salt and text; both absent once it is erased. None when there is no such row.
///
/// # Errors
/// As [`changes`].
pub(crate) async fn note(
    tx: &DatabaseTransaction,
    id: &str,
) -> Result<Option<(Option<Vec<u8>>, Option<String>)>, StoreError> {
    let row = one(tx, "SELECT salt, body FROM note WHERE id = $1", vec![id.into()]).await?;
    Ok(row
        .map(|row| Ok::<_, sea_orm::DbErr>((row.try_get("", "salt")?, row.try_get("", "body")?)))
        .transpose()?)
}

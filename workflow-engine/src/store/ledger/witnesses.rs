//! How far each witness has cosigned the ledger, and the cosignatures on the heads.

use entities::witness;
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait, QueryOrder, sea_query::OnConflict};

use super::{
    super::{db::Db, error::StoreError},
    read::{self, CheckpointRow},
    write,
};
use crate::ledger::{key::VerifierKey, merkle::Head, note::SignedCheckpoint};

/// Where a witness stands. Times are milliseconds UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its verifier key, which holds its name.
    pub vkey: String,
    /// Entries under the largest head it cosigned; 0 for none.
    pub size: u64,
    /// When it last cosigned.
    pub cosigned_at: Option<i64>,
    /// When it was last asked.
    pub asked_at: i64,
    /// Why it did not cosign when it was last asked.
    pub trouble: Option<String>,
    /// Whether it holds another or a larger ledger than ours: the sign of a restored copy or a rewritten past.
    pub alarm: bool,
}

impl Standing {
    /// Its name, as its key has it.
    #[must_use]
    pub fn name(&self) -> &str {
        self.vkey.split('+').next().unwrap_or_default()
    }
}

/// All witnesses that were ever asked, by key.
///
/// # Errors
/// When the database does not answer.
pub async fn all(conn: &impl ConnectionTrait) -> Result<Vec<Standing>, StoreError> {
    let rows = witness::Entity::find()
        .order_by_asc(witness::Column::Vkey)
        .all(conn)
        .await?;
    Ok(rows.into_iter().map(standing).collect())
}

/// One witness; none before it was first asked.
///
/// # Errors
/// As [`all`].
pub async fn of(conn: &impl ConnectionTrait, key: &VerifierKey) -> Result<Option<Standing>, StoreError> {
    let row = witness::Entity::find_by_id(key.to_string()).one(conn).await?;
    Ok(row.map(standing))
}

/// Keeps where a witness stands.
///
/// # Errors
/// When the database cannot be written.
pub async fn save(db: &Db, standing: Standing) -> Result<(), StoreError> {
    let row = witness::ActiveModel {
        vkey: Set(standing.vkey),
        size: Set(read::place(standing.size)?),
        cosigned_at: Set(standing.cosigned_at),
        asked_at: Set(standing.asked_at),
        trouble: Set(standing.trouble),
        alarm: Set(i32::from(standing.alarm)),
    };
    db.write(move |tx| {
        Box::pin(async move {
            use witness::Column::{Alarm, AskedAt, CosignedAt, Size, Trouble};
            let newer = OnConflict::column(witness::Column::Vkey)
                .update_columns([Size, CosignedAt, AskedAt, Trouble, Alarm])
                .to_owned();
            witness::Entity::insert(row)
                .on_conflict(newer)
                .exec_without_returning(tx)
                .await?;
            Ok(())
        })
    })
    .await
}

/// Forgets witnesses that are not among `keys` any more; their cosignatures stay on the heads.
///
/// # Errors
/// When the database cannot be written.
pub async fn keep_only(db: &Db, keys: Vec<String>) -> Result<(), StoreError> {
    use sea_orm::{ColumnTrait as _, QueryFilter as _};
    db.write(move |tx| {
        Box::pin(async move {
            witness::Entity::delete_many()
                .filter(witness::Column::Vkey.is_not_in(keys))
                .exec(tx)
                .await?;
            Ok(())
        })
    })
    .await
}

/// The newest head with a cosignature whose size is above `index`.
///
/// # Errors
/// As [`all`].
pub async fn newest_cosigned(
    conn: &impl ConnectionTrait,
    index: u64,
) -> Result<Option<CheckpointRow>, StoreError> {
    let sql = "SELECT size, root, prev_root, signature FROM checkpoint WHERE cosigned > 0 AND size > $1
               ORDER BY size DESC LIMIT 1";
    read::one(conn, sql, vec![read::place(index)?.into()])
        .await?
        .as_ref()
        .map(read::checkpoint_row)
        .transpose()
}

/// Replaces the note `before` of a head by `after`, which has a cosignature more; false when somebody else was faster.
///
/// # Errors
/// When the database cannot be written.
pub async fn cosigned(
    db: &Db,
    head: Head,
    before: &SignedCheckpoint,
    after: &SignedCheckpoint,
) -> Result<bool, StoreError> {
    let (before, text) = (before.to_text(), after.to_text());
    let count = i32::try_from(after.signatures.len()).unwrap_or(i32::MAX) - 1;
    db.write(move |tx| {
        Box::pin(async move {
            let sql =
                "UPDATE checkpoint SET signature = $1, cosigned = $2 WHERE size = $3 AND signature = $4";
            let values = vec![
                text.into(),
                count.into(),
                read::place(head.size)?.into(),
                before.into(),
            ];
            Ok(write::execute(tx, sql, values).await? == 1)
        })
    })
    .await
}

fn standing(row: witness::Model) -> Standing {
    Standing {
        vkey: row.vkey,
        size: row.size.unsigned_abs(),
        cosigned_at: row.cosigned_at,
        asked_at: row.asked_at,
        trouble: row.trouble,
        alarm: row.alarm != 0,
    }
}

//! Keys of commands: kept long enough to answer every repeat, then forgotten.

use sea_orm::{ConnectionTrait, Statement};

use super::{
    changes::{Answered, answered},
    commit::CommandRow,
    db::Db,
    error::StoreError,
    statement::Text,
};
use crate::values::ChangeId;

/// Most rows that one commit forgets, so that nobody waits long behind it.
const AT_ONCE: u64 = 5_000;

const KEEP: Text = Text::same(
    "INSERT INTO command (key, change_id, payload_sha256, result, at) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (key) DO NOTHING RETURNING key",
);

/// Keeps the answer to a command that changed nothing, at `now` in milliseconds UTC; or gives the one that its key has.
///
/// # Errors
/// When the database does not take it.
pub async fn keep(
    db: &Db,
    command: &CommandRow,
    change: &ChangeId,
    now: i64,
) -> Result<Option<Answered>, StoreError> {
    let values = vec![
        command.key.as_str().into(),
        change.as_str().into(),
        command.payload_sha256.0.to_vec().into(),
        command.result.as_str().into(),
        now.into(),
    ];
    if db.single(KEEP, values).await?.is_empty() {
        return answered(db, &command.key).await;
    }
    Ok(None)
}

/// Forgets commands that came before `before`, milliseconds UTC; says how many. A repeat that comes later is decided anew,
/// so keep at least a day.
///
/// # Errors
/// When the database does not take it; what went before is forgotten.
pub async fn forget(db: &Db, before: i64) -> Result<u64, StoreError> {
    let mut all = 0;
    loop {
        let gone = db
            .write(move |tx| {
                Box::pin(async move {
                    let sql = "DELETE FROM command WHERE key IN
                                 (SELECT key FROM command WHERE at < $1 ORDER BY at LIMIT $2)";
                    let values = [before.into(), AT_ONCE.into()];
                    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
                    Ok(tx.execute_raw(statement).await?.rows_affected())
                })
            })
            .await?;
        all += gone;
        if gone < AT_ONCE {
            return Ok(all);
        }
    }
}

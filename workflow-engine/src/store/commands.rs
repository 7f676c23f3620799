//! Keys of commands: kept long enough to answer every repeat, then forgotten.

use sea_orm::{ConnectionTrait, Statement};

use super::{db::Db, error::StoreError};

/// Most rows that one commit forgets, so that nobody waits long behind it.
const AT_ONCE: u64 = 5_000;

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

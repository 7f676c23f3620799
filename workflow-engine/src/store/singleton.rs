//! Who does work that only one replica may do, fenced by a token. On PostgreSQL its lease goes by the database's clock, as
//! that of a job does.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Statement};

use super::{db::Db, error::StoreError};

/// A claim on leader-only work. A later claim by another holder has a larger token, which voids this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fence {
    /// The work.
    pub name: &'static str,
    /// The claim.
    pub token: i64,
}

/// Lets a unit of `fence`'s holder write: its claim cannot be voided until the unit ends.
///
/// # Errors
/// [`StoreError::Contended`] when a later claim has voided it; the unit must then be given up.
pub async fn must_hold(tx: &DatabaseTransaction, fence: Fence) -> Result<(), StoreError> {
    let backend = tx.get_database_backend();
    let lock = match backend {
        DbBackend::Postgres => "FOR SHARE",
        _ => "",
    };
    let sql = format!("SELECT 1 AS holds FROM singleton WHERE name = $1 AND token = $2 {lock}");
    let statement = Statement::from_sql_and_values(backend, sql, [fence.name.into(), fence.token.into()]);
    match tx.query_one_raw(statement).await? {
        Some(_) => Ok(()),
        None => Err(StoreError::Contended),
    }
}

/// Gives the work up before its lease has run out: another may take it at once.
///
/// # Errors
/// When the database does not answer.
pub async fn give_up(db: &Db, fence: Fence) -> Result<(), StoreError> {
    db.write(move |tx| {
        Box::pin(async move {
            tx.execute_raw(Statement::from_sql_and_values(
                tx.get_database_backend(),
                "UPDATE singleton SET until = 0 WHERE name = $1 AND token = $2",
                [fence.name.into(), fence.token.into()],
            ))
            .await?;
            Ok(())
        })
    })
    .await
}

/// Takes the work for `lease`, or renews it (SQLite: from `now`): none while another holder's lease runs. The token stays the
/// same while one holder renews in time and grows at every other change.
///
/// # Errors
/// When the database does not answer.
pub async fn hold(
    db: &Db,
    name: &'static str,
    holder: &str,
    now: DateTime<Utc>,
    lease: TimeDelta,
) -> Result<Option<Fence>, StoreError> {
    let (holder, now, lease) = (
        holder.to_owned(),
        now.timestamp_millis(),
        lease.num_milliseconds(),
    );
    db.write(move |tx| {
        Box::pin(async move {
            let backend = tx.get_database_backend();
            let now = match backend {
                DbBackend::Postgres => "(extract(epoch FROM now()) * 1000)::bigint".to_owned(),
                _ => now.to_string(),
            };
            // One statement: two replicas that both see an expired lease queue on the row, and the second re-checks.
            let sql = format!(
                "INSERT INTO singleton (name, holder, token, until) VALUES ($1, $2, 1, {now} + $3)
                 ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until,
                   token = singleton.token
                     + CASE WHEN singleton.holder = excluded.holder AND singleton.until > {now} THEN 0 ELSE 1 END
                 WHERE singleton.holder = excluded.holder OR singleton.until <= {now}
                 RETURNING token"
            );
            let values = [name.into(), holder.into(), lease.into()];
            let row = tx
                .query_one_raw(Statement::from_sql_and_values(backend, sql, values))
                .await?;
            let token = row.map(|row| row.try_get("", "token")).transpose()?;
            Ok(token.map(|token| Fence { name, token }))
        })
    })
    .await
}

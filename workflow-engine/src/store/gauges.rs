//! What stands in the queue and before the sealer at this moment, for whoever watches the service.

use sea_orm::{ConnectionTrait, Statement};

use super::{
    claims,
    db::{Backend, Db},
    error::StoreError,
    warm::Warm,
};

/// What stands where at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gauges {
    /// The queue by kind of job; kinds without open jobs are not in it.
    pub jobs: Vec<KindGauge>,
    /// Jobs that were given up and wait for a person.
    pub dead: u64,
    /// Events that wait to be sealed.
    pub unsealed: u64,
    /// Milliseconds that the oldest of them has waited.
    pub seal_lag_ms: u64,
    /// Connections of governance that this process may open.
    pub connections: u64,
    /// Those that somebody uses now.
    pub used_connections: u64,
}

/// The open jobs of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KindGauge {
    /// The kind.
    pub kind: String,
    /// Jobs that wait for their time or run.
    pub open: u64,
    /// Of them, those that are due and that nobody has claimed.
    pub due: u64,
    /// Milliseconds that the oldest of those has been due.
    pub oldest_due_ms: u64,
}

/// Looks, at `now` in milliseconds UTC. Grows with the open jobs, not with what is done.
///
/// # Errors
/// When the database does not answer.
pub async fn gauges(db: &Db, now: i64) -> Result<Gauges, StoreError> {
    let reads = db.reads();
    let statement =
        |sql: &str| Statement::from_sql_and_values(reads.get_database_backend(), sql, [now.into()]);
    let free = claims::free(db.backend());
    let kinds = format!(
        "SELECT kind, count(*) AS open, count(CASE WHEN due_at <= $1 AND {free} THEN 1 END) AS due,
           coalesce($1 - min(CASE WHEN {free} THEN due_at END), 0) AS oldest
         FROM job WHERE done_at IS NULL GROUP BY kind ORDER BY kind"
    );
    let mut jobs = Vec::new();
    for row in reads.query_all_raw(statement(&kinds)).await? {
        jobs.push(KindGauge {
            kind: row.try_get("", "kind")?,
            open: unsigned(row.try_get("", "open")?),
            due: unsigned(row.try_get("", "due")?),
            oldest_due_ms: unsigned(row.try_get("", "oldest")?),
        });
    }
    let rest = "SELECT (SELECT count(*) FROM job WHERE outcome = 'dead') AS dead,
                  (SELECT count(*) FROM ledger_pending) AS unsealed,
                  coalesce($1 - (SELECT min(at) FROM ledger_pending), 0) AS lag";
    let rest = reads.query_one_raw(statement(rest)).await?;
    let of = |name: &str| match &rest {
        Some(row) => row.try_get::<i64>("", name).map(unsigned),
        None => Ok(0),
    };
    let (most, open, idle) = match db.backend() {
        Backend::Postgres => {
            let pool = reads.get_postgres_connection_pool();
            (pool.options().get_max_connections(), pool.size(), pool.num_idle())
        }
        Backend::Sqlite => {
            let pool = reads.get_sqlite_connection_pool();
            (pool.options().get_max_connections(), pool.size(), pool.num_idle())
        }
    };
    let ready = db.warm().map_or(0, Warm::ready) + idle as u64;
    Ok(Gauges {
        jobs,
        dead: of("dead")?,
        unsealed: of("unsealed")?,
        seal_lag_ms: of("lag")?,
        connections: most.into(),
        used_connections: u64::from(open).saturating_sub(ready),
    })
}

/// How many jobs are open, how many of them are due by `now` (milliseconds UTC) and nobody's, and how many are dead.
///
/// # Errors
/// As [`gauges`].
pub async fn job_counts(db: &Db, now: i64) -> Result<(u64, u64, u64), StoreError> {
    let reads = db.reads();
    let free = claims::free(db.backend());
    let sql = format!(
        "SELECT count(*) AS open, count(CASE WHEN due_at <= $1 AND {free} THEN 1 END) AS due,
           (SELECT count(*) FROM job WHERE outcome = 'dead') AS dead
         FROM job WHERE done_at IS NULL"
    );
    let statement = Statement::from_sql_and_values(reads.get_database_backend(), sql, [now.into()]);
    let row = reads.query_one_raw(statement).await?;
    let of = |name: &str| match &row {
        Some(row) => row.try_get::<i64>("", name).map(unsigned),
        None => Ok(0),
    };
    Ok((of("open")?, of("due")?, of("dead")?))
}

/// Less than nothing is nothing: a job that is due later, a clock that was set back.
fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

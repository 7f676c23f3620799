//! How the database is set up and how it is doing, as `governor doctor` asks.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement};

use super::{db::Db, error::StoreError};

/// What a PostgreSQL server says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PostgresVitals {
    /// `server_version_num`: 150018 for 15.18.
    pub version: i32,
    /// Settings as they hold on our connections, by name.
    pub settings: BTreeMap<String, String>,
    /// Standbys that stream, with their `sync_state`; empty too when this user may not see them.
    pub standbys: Vec<(String, String)>,
    /// Connections open now, of all users.
    pub connections: i64,
    /// The server's clock.
    pub now: DateTime<Utc>,
    /// Transactions behind the newest that the oldest snapshot holds back; vacuum cannot clean newer rows.
    pub oldest_snapshot: i64,
    /// Seconds that the oldest open transaction of anybody has been open.
    pub oldest_transaction_seconds: i64,
    /// Bytes of this database.
    pub bytes: i64,
    /// The table with the most dead rows for each live one, when that is worth a look.
    pub most_dead: Option<(String, i64, i64)>,
    /// Our tables where autovacuum is switched off.
    pub never_vacuumed: Vec<String>,
}

/// The settings that [`PostgresVitals::settings`] has.
const SETTINGS: &str =
    "'fsync','full_page_writes','synchronous_commit','synchronous_standby_names','TimeZone',
  'default_transaction_isolation','max_connections','superuser_reserved_connections','autovacuum',
  'idle_in_transaction_session_timeout','statement_timeout','lock_timeout'";

/// Looks at a PostgreSQL server.
///
/// # Errors
/// When it does not answer.
pub async fn postgres(db: &Db) -> Result<PostgresVitals, StoreError> {
    let sql =
        format!("SELECT name, current_setting(name) AS value FROM pg_settings WHERE name IN ({SETTINGS})");
    let mut settings = BTreeMap::new();
    for row in rows(db, &sql).await? {
        settings.insert(row.try_get("", "name")?, row.try_get("", "value")?);
    }
    let standbys = rows(
        db,
        "SELECT coalesce(application_name, '') AS name, coalesce(sync_state, 'unknown') AS state FROM pg_stat_replication",
    )
    .await?;
    let standbys = standbys
        .iter()
        .map(|row| Ok((row.try_get("", "name")?, row.try_get("", "state")?)));
    let standbys = standbys.collect::<Result<Vec<_>, StoreError>>()?;
    let one = rows(
        db,
        "SELECT current_setting('server_version_num')::int AS version,
           (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections,
           (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now,
           coalesce((SELECT max(age(backend_xmin))::bigint FROM pg_stat_activity WHERE pid <> pg_backend_pid()), 0)
             AS oldest_snapshot,
           coalesce((SELECT extract(epoch FROM max(clock_timestamp() - xact_start))::bigint FROM pg_stat_activity
             WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()), 0) AS oldest_transaction,
           pg_database_size(current_database()) AS bytes",
    )
    .await?
    .into_iter()
    .next()
    .ok_or_else(|| StoreError::Corrupt("PostgreSQL says nothing of itself".to_owned()))?;
    let dead = rows(
        db,
        "SELECT relname::text AS name, n_dead_tup AS dead, n_live_tup AS live FROM pg_stat_user_tables
         WHERE n_dead_tup > 10000 AND n_dead_tup > n_live_tup ORDER BY n_dead_tup DESC LIMIT 1",
    )
    .await?;
    let most_dead = dead.first().map(|row| {
        Ok::<_, StoreError>((
            row.try_get("", "name")?,
            row.try_get("", "dead")?,
            row.try_get("", "live")?,
        ))
    });
    let off = rows(
        db,
        "SELECT relname::text AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace
         AND reloptions @> ARRAY['autovacuum_enabled=false']",
    )
    .await?;
    let never_vacuumed = off.iter().map(|row| Ok(row.try_get("", "name")?));
    Ok(PostgresVitals {
        version: one.try_get("", "version")?,
        settings,
        standbys,
        connections: one.try_get("", "connections")?,
        now: DateTime::from_timestamp_millis(one.try_get("", "now")?).unwrap_or_default(),
        oldest_snapshot: one.try_get("", "oldest_snapshot")?,
        oldest_transaction_seconds: one.try_get("", "oldest_transaction")?,
        bytes: one.try_get("", "bytes")?,
        most_dead: most_dead.transpose()?,
        never_vacuumed: never_vacuumed.collect::<Result<_, StoreError>>()?,
    })
}

/// What a SQLite file says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SqliteVitals {
    /// The library's version.
    pub version: String,
    /// How it journals: `wal`.
    pub journal: String,
    /// What SQLite's own check of the file found: `ok`, or the first fault.
    pub check: String,
    /// Bytes of the database.
    pub bytes: i64,
}

/// Looks at a SQLite file; the check reads all of it.
///
/// # Errors
/// When it cannot be read.
pub async fn sqlite(db: &Db) -> Result<SqliteVitals, StoreError> {
    let text = async |sql: &str| {
        let row = rows(db, sql).await?.into_iter().next();
        let value = row.map(|row| row.try_get_by_index::<String>(0)).transpose()?;
        Ok::<_, StoreError>(value.unwrap_or_default())
    };
    let size = "SELECT page_count * page_size AS bytes FROM pragma_page_count(), pragma_page_size()";
    let size = rows(db, size).await?;
    Ok(SqliteVitals {
        version: text("SELECT sqlite_version()").await?,
        journal: text("PRAGMA journal_mode").await?,
        check: text("PRAGMA quick_check(1)").await?,
        bytes: size
            .first()
            .map(|row| row.try_get("", "bytes"))
            .transpose()?
            .unwrap_or_default(),
    })
}

async fn rows(db: &Db, sql: &str) -> Result<Vec<QueryResult>, StoreError> {
    let backend: DbBackend = db.reads().get_database_backend();
    Ok(db
        .reads()
        .query_all_raw(Statement::from_string(backend, sql))
        .await?)
}

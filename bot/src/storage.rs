//! Opens the governance database and brings its schema up to date.

use std::sync::Arc;

use anyhow::{Context, bail};
use migrations::Migrator;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, TransactionTrait};
use sea_orm_migration::MigratorTrait;
use workflow_engine::{
    ports::clock::Clock,
    store::{calls::CallStore, db::Db},
};

use crate::config::Config;

/// Any number that other programs on the same server do not use.
const MIGRATION_LOCK: i64 = 0x676f_7665_726e_6f72;

/// Opens the database of `url`.
///
/// # Errors
/// One sentence that names the database and the remedy.
pub async fn open(url: &str, connections: u32) -> anyhow::Result<Db> {
    Ok(Db::open(url, connections).await?)
}

/// Opens the database of calls and brings its schema up to date.
///
/// # Errors
/// One sentence that names the database and the remedy.
pub async fn open_calls(config: &Config, clock: Arc<dyn Clock>) -> anyhow::Result<CallStore> {
    let calls = connect_calls(&config.calls_url(), config.database.calls_max_connections, clock).await?;
    migrate_calls(&calls).await?;
    Ok(calls)
}

/// Opens the database of calls of `url` as it is.
///
/// # Errors
/// As [`open_calls`].
pub async fn connect_calls(url: &str, connections: u32, clock: Arc<dyn Clock>) -> anyhow::Result<CallStore> {
    Ok(CallStore::open(url, connections, clock).await?)
}

/// Brings the schema up to date. Replicas that start together wait for each other.
///
/// # Errors
/// When a migration cannot run; the database is as it was before that migration.
pub async fn migrate(db: &Db) -> anyhow::Result<()> {
    up::<Migrator>(db.for_migrations()).await
}

/// Brings the schema of calls up to date and makes the day partitions around now.
///
/// # Errors
/// As [`migrate`].
pub async fn migrate_calls(calls: &CallStore) -> anyhow::Result<()> {
    up::<migrations::calls::Migrator>(&calls.for_migrations()).await?;
    Ok(calls.prepare().await?)
}

async fn up<M: MigratorTrait>(connection: &DatabaseConnection) -> anyhow::Result<()> {
    if connection.get_database_backend() == DbBackend::Sqlite {
        return M::up(connection, None)
            .await
            .context("the schema could not be brought up to date");
    }
    // sea-orm-migration takes no lock of its own. This one ends with its transaction, whatever happens to this process,
    // and holds behind a pooler that lends connections by the transaction.
    let tx = connection.begin().await?;
    for wait in [
        "lock_timeout",
        "statement_timeout",
        "idle_in_transaction_session_timeout",
    ] {
        tx.execute_unprepared(&format!("SET LOCAL {wait} = 0")).await?;
    }
    tx.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
        .await?;
    M::up(&tx, None)
        .await
        .context("the schema could not be brought up to date; it is as it was")?;
    tx.commit().await?;
    Ok(())
}

/// Names of migrations that have run, oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn applied(db: &Db) -> anyhow::Result<Vec<String>> {
    let applied = Migrator::get_applied_migrations_read_only(db.for_migrations()).await?;
    Ok(applied
        .iter()
        .map(|migration| migration.name().to_owned())
        .collect())
}

/// Brings an empty database to the schema that these migrations made; gives the names this program does not know.
///
/// # Errors
/// As [`migrate`].
pub async fn migrate_as(db: &Db, names: &[String]) -> anyhow::Result<Vec<String>> {
    let known = pending(db).await?;
    let same = known.iter().zip(names).take_while(|(known, name)| known == name);
    let same = same.count();
    if same == names.len() && same > 0 {
        Migrator::up(db.for_migrations(), u32::try_from(same).ok())
            .await
            .context("the schema could not be made")?;
    }
    Ok(names.get(same..).unwrap_or_default().to_vec())
}

/// Names of migrations that have not run.
///
/// # Errors
/// When the database does not answer.
pub async fn pending(db: &Db) -> anyhow::Result<Vec<String>> {
    missing::<Migrator>(db.for_migrations()).await
}

/// The same on a database that is only looked at.
///
/// # Errors
/// As [`pending`].
pub async fn pending_read_only(db: &Db) -> anyhow::Result<Vec<String>> {
    let pending = Migrator::get_pending_migrations_read_only(db.for_migrations()).await?;
    Ok(pending
        .iter()
        .map(|migration| migration.name().to_owned())
        .collect())
}

/// Names of migrations of calls that have not run.
///
/// # Errors
/// When the database does not answer.
pub async fn pending_calls(calls: &CallStore) -> anyhow::Result<Vec<String>> {
    missing::<migrations::calls::Migrator>(&calls.for_migrations()).await
}

async fn missing<M: MigratorTrait>(connection: &DatabaseConnection) -> anyhow::Result<Vec<String>> {
    let pending = M::get_pending_migrations(connection).await?;
    Ok(pending
        .iter()
        .map(|migration| migration.name().to_owned())
        .collect())
}

/// Refuses a database whose schema is older than this program.
///
/// # Errors
/// A sentence that says what to run.
pub async fn up_to_date(db: &Db) -> anyhow::Result<()> {
    match pending(db).await?.len() {
        0 => Ok(()),
        some => bail!("the database lacks {some} migrations; run `governor migrate`"),
    }
}

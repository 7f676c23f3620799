//! Opens the governance database and brings its schema up to date.

use anyhow::{Context, bail};
use migrations::Migrator;
use sea_orm_migration::MigratorTrait;
use workflow_engine::store::db::{Backend, Db};

/// Any number that other programs on the same server do not use.
const MIGRATION_LOCK: i64 = 0x676f_7665_726e_6f72;

/// Opens the database of `url`.
///
/// # Errors
/// One sentence that names the database and the remedy.
pub async fn open(url: &str, connections: u32) -> anyhow::Result<Db> {
    Ok(Db::open(url, connections).await?)
}

/// Brings the schema up to date. Replicas that start together wait for each other.
///
/// # Errors
/// When a migration cannot run; the database is as it was before that migration.
pub async fn migrate(db: &Db) -> anyhow::Result<()> {
    let connection = db.for_migrations();
    if db.backend() == Backend::Sqlite {
        return Migrator::up(connection, None)
            .await
            .context("the schema could not be brought up to date");
    }
    // sea-orm-migration takes no lock of its own. This one goes with its connection, whatever happens.
    let mut guard = connection.get_postgres_connection_pool().acquire().await?;
    sqlx::query("SELECT pg_advisory_lock($1)")
        .bind(MIGRATION_LOCK)
        .execute(&mut *guard)
        .await?;
    let outcome = Migrator::up(connection, None).await;
    sqlx::query("SELECT pg_advisory_unlock($1)")
        .bind(MIGRATION_LOCK)
        .execute(&mut *guard)
        .await?;
    outcome.context("the schema could not be brought up to date")
}

/// Names of migrations that have not run.
///
/// # Errors
/// When the database does not answer.
pub async fn pending(db: &Db) -> anyhow::Result<Vec<String>> {
    let pending = Migrator::get_pending_migrations(db.for_migrations()).await?;
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

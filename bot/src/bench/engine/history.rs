//! A company with a long history: finished changes with their events, commands, jobs, votes and sealed places, made by
//! the database itself.

use anyhow::Context;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseBackend, Statement};
use url::Url;

use super::company::Company;

/// Changes in one statement: small enough for the log's limit, large enough to be quick.
const AT_ONCE: u64 = 20_000;

/// A company of its own beside the one in `url`, with `changes` finished changes.
///
/// On PostgreSQL it is a schema in the same database, on SQLite a file beside the other. What an earlier run has made of
/// it is kept.
pub(super) async fn company(url: &str, changes: u64) -> anyhow::Result<Company> {
    let own = beside(url).await?;
    let company = Company::open(&own).await?;
    fill(&company, changes).await?;
    Ok(company)
}

async fn beside(url: &str) -> anyhow::Result<String> {
    if let Some(path) = url.strip_prefix("sqlite://") {
        return Ok(format!("sqlite://{path}.history"));
    }
    let mut own = Url::parse(url).context("database-url")?;
    let admin = Database::connect(ConnectOptions::new(url)).await?;
    admin
        .execute_unprepared("CREATE SCHEMA IF NOT EXISTS bench_history")
        .await?;
    own.query_pairs_mut()
        .append_pair("options", "-c search_path=bench_history");
    Ok(own.to_string())
}

async fn fill(company: &Company, changes: u64) -> anyhow::Result<()> {
    let connection = company.db().for_migrations();
    let postgres = connection.get_database_backend() == DatabaseBackend::Postgres;
    let texts = if postgres {
        include_str!("history_postgres.sql")
    } else {
        include_str!("history_sqlite.sql")
    };
    // Their ids are an h and their number in twelve places.
    let newest = "SELECT max(id) AS id FROM change WHERE id >= 'h' AND id < 'i'";
    let newest: Option<String> = connection
        .query_one_raw(Statement::from_string(connection.get_database_backend(), newest))
        .await?
        .map_or(Ok(None), |row| row.try_get("", "id"))?;
    let made = newest.and_then(|id| id.strip_prefix('h')?.parse().ok());
    let mut first: u64 = made.unwrap_or(0) + 1;
    while first <= changes {
        let last = changes.min(first + AT_ONCE - 1);
        let statements = texts
            .replace("{first}", &first.to_string())
            .replace("{last}", &last.to_string());
        connection.execute_unprepared(&statements).await?;
        first = last + 1;
    }
    let numbers = format!(
        "SELECT setval('change_number', greatest({}, nextval('change_number')))",
        changes.max(1)
    );
    let after = if postgres {
        format!("{numbers}; ANALYZE")
    } else {
        "ANALYZE".to_owned()
    };
    connection.execute_unprepared(&after).await?;
    Ok(())
}

//! One text for both databases: words in braces become each one's own.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DatabaseBackend};

/// Runs `sql` statement by statement (separated by a line `---`) with `{seq}`, `{blob}` and `{hot}` replaced:
/// a column that numbers rows in order of insertion, bytes, and room for updates in place.
pub(crate) async fn run(manager: &SchemaManager<'_>, sql: &str) -> Result<(), DbErr> {
    let postgres = manager.get_database_backend() == DatabaseBackend::Postgres;
    let (seq, blob, hot) = if postgres {
        (
            "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
            "BYTEA",
            " WITH (fillfactor = 70)",
        )
    } else {
        ("INTEGER PRIMARY KEY AUTOINCREMENT", "BLOB", "")
    };
    for statement in sql.split("\n---\n") {
        let statement = statement
            .replace("{seq}", seq)
            .replace("{blob}", blob)
            .replace("{hot}", hot);
        manager.get_connection().execute_unprepared(&statement).await?;
    }
    Ok(())
}

/// Whether this is PostgreSQL.
pub(crate) fn is_postgres(manager: &SchemaManager<'_>) -> bool {
    manager.get_database_backend() == DatabaseBackend::Postgres
}

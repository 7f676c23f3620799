//! Writes the rows of a copy into a database that holds nothing yet: all of them or none.

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Statement};

use super::{
    super::{db::Db, error::StoreError},
    Column, Holds, Table,
    read::quoted,
};

/// Rows in one statement.
const AT_ONCE: usize = 500;

/// The lines of a table, as [`super::Snapshot::lines`] gave them.
pub type Lines = Box<dyn Iterator<Item = std::io::Result<String>> + Send>;

/// Whether nobody has used this database yet: no catalog, no change, no event, no token.
///
/// # Errors
/// When the database does not answer.
pub async fn is_empty(db: &Db) -> Result<bool, StoreError> {
    for table in ["catalog_version", "change", "event", "api_token"] {
        let sql = format!("SELECT 1 AS one FROM {table} LIMIT 1");
        let statement = Statement::from_string(db.reads().get_database_backend(), sql);
        if db.reads().query_one_raw(statement).await?.is_some() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Replaces what the migrations put into `tables` with the lines given; says how many rows that were.
///
/// # Errors
/// When a line does not fit its table or cannot be read: then nothing was written.
pub async fn load(db: &Db, tables: Vec<(Table, Lines)>) -> Result<u64, StoreError> {
    db.write(move |tx| {
        Box::pin(async move {
            if tx.get_database_backend() == DbBackend::Postgres {
                tx.execute_unprepared("SET LOCAL statement_timeout = 0").await?;
            }
            let mut rows = 0;
            for (table, lines) in tables {
                rows += fill(tx, &table, lines).await?;
            }
            if tx.get_database_backend() == DbBackend::Postgres {
                go_on_counting(tx).await?;
            }
            Ok(rows)
        })
    })
    .await
}

async fn fill(tx: &DatabaseTransaction, table: &Table, lines: Lines) -> Result<u64, StoreError> {
    tx.execute_unprepared(&format!("DELETE FROM {}", quoted(&table.name)))
        .await?;
    let sql = insert(table, tx.get_database_backend());
    let (mut rows, mut waiting) = (0, Vec::with_capacity(AT_ONCE));
    for line in lines {
        waiting.push(line.map_err(|why| StoreError::Corrupt(format!("{}: {why}", table.name)))?);
        if waiting.len() == AT_ONCE {
            rows += put(tx, &sql, &mut waiting).await?;
        }
    }
    rows += put(tx, &sql, &mut waiting).await?;
    Ok(rows)
}

async fn put(tx: &DatabaseTransaction, sql: &str, lines: &mut Vec<String>) -> Result<u64, StoreError> {
    if lines.is_empty() {
        return Ok(0);
    }
    let array = format!("[{}]", lines.join(","));
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, [array.into()]);
    let written = tx.execute_raw(statement).await?.rows_affected();
    lines.clear();
    Ok(written)
}

/// One statement a table, for any number of rows: they come as one JSON array of arrays.
fn insert(table: &Table, backend: DbBackend) -> String {
    let postgres = backend == DbBackend::Postgres;
    let names: Vec<String> = table.columns.iter().map(|column| quoted(&column.name)).collect();
    let values: Vec<String> = (0..)
        .zip(&table.columns)
        .map(|(at, column)| value(column, at, postgres))
        .collect();
    let (own_numbers, rows) = if postgres {
        (
            "OVERRIDING SYSTEM VALUE ",
            "json_array_elements($1::json) AS r(value)",
        )
    } else {
        ("", "json_each($1) AS r")
    };
    format!(
        "INSERT INTO {} ({}) {own_numbers}SELECT {} FROM {rows}",
        quoted(&table.name),
        names.join(", "),
        values.join(", ")
    )
}

fn value(column: &Column, at: usize, postgres: bool) -> String {
    let raw = format!("(r.value ->> {at})");
    match (column.holds, postgres) {
        (Holds::Bytes, true) => format!("decode({raw}, 'hex')"),
        (Holds::Bytes, false) => format!("unhex({raw})"),
        (Holds::Integer, true) => format!("{raw}::bigint"),
        (Holds::Boolean, true) => format!("({raw}::int <> 0)"),
        _ => raw,
    }
}

/// PostgreSQL's counters know nothing of rows that brought their own numbers.
async fn go_on_counting(tx: &DatabaseTransaction) -> Result<(), StoreError> {
    let columns = tx
        .query_all_raw(Statement::from_string(
            DbBackend::Postgres,
            "SELECT table_name AS of_table, column_name AS name FROM information_schema.columns
             WHERE table_schema = current_schema() AND is_identity = 'YES'",
        ))
        .await?;
    for row in columns {
        let (table, column): (String, String) = (row.try_get("", "of_table")?, row.try_get("", "name")?);
        tx.execute_unprepared(&format!(
            "SELECT setval(pg_get_serial_sequence('{0}', '{1}'), max({1})) FROM {0} HAVING max({1}) IS NOT NULL",
            quoted(&table),
            column
        ))
        .await?;
    }
    tx.execute_unprepared(
        "SELECT setval('change_number', max(number)) FROM change HAVING max(number) IS NOT NULL",
    )
    .await?;
    Ok(())
}

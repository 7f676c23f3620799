//! Which governance tables there are, and what their columns hold.

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde::{Deserialize, Serialize};

use super::super::{
    db::{Backend, Db},
    error::StoreError,
};

/// Rows that must not come back: sessions sign people in again, and leadership is of the moment.
const LEFT_OUT: [&str; 3] = ["session", "sign_in_link", "singleton"];

/// A table of a copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns, in the order of a line.
    pub columns: Vec<Column>,
}

/// A column of a copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub holds: Holds,
}

/// What a column holds, on both databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Holds {
    /// Text.
    Text,
    /// A whole number of 64 bits.
    Integer,
    /// Bytes, hexadecimal in a copy.
    Bytes,
    /// Yes or no, 1 or 0 in a copy.
    Boolean,
}

/// The governance tables of a SQLite database that holds nothing else, as its migrations made them.
///
/// # Errors
/// When the database does not answer, or has a type of column that copies do not know yet: add it to [`Holds`].
pub async fn tables(db: &Db) -> Result<Vec<Table>, StoreError> {
    debug_assert_eq!(
        db.backend(),
        Backend::Sqlite,
        "on PostgreSQL calls may live beside them"
    );
    let sql = "SELECT m.name AS of_table, p.name AS name, p.type AS declared
               FROM sqlite_schema m JOIN pragma_table_info(m.name) p
               WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' AND m.name NOT LIKE 'seaql%'
               ORDER BY m.name, p.cid";
    let rows = db
        .reads()
        .query_all_raw(Statement::from_string(DbBackend::Sqlite, sql))
        .await?;
    let mut tables: Vec<Table> = Vec::new();
    for row in rows {
        let (of_table, name): (String, String) = (row.try_get("", "of_table")?, row.try_get("", "name")?);
        if LEFT_OUT.contains(&of_table.as_str()) {
            continue;
        }
        let column = Column {
            holds: holds(&row.try_get::<String>("", "declared")?, &of_table, &name)?,
            name,
        };
        match tables.last_mut().filter(|table| table.name == of_table) {
            Some(table) => table.columns.push(column),
            None => tables.push(Table {
                name: of_table,
                columns: vec![column],
            }),
        }
    }
    Ok(tables)
}

fn holds(declared: &str, table: &str, column: &str) -> Result<Holds, StoreError> {
    Ok(match declared.to_ascii_uppercase().as_str() {
        "TEXT" => Holds::Text,
        "BIGINT" | "INTEGER" | "SMALLINT" => Holds::Integer,
        "BLOB" => Holds::Bytes,
        "BOOLEAN" => Holds::Boolean,
        other => {
            let what = format!("column {table}.{column} is of type {other}, which copies do not know");
            return Err(StoreError::Refused(what));
        }
    })
}

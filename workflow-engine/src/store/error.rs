//! What can go wrong with the database, as callers need to tell it apart.

use sea_orm::{DbErr, RuntimeErr};

/// A database unit that did not happen.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached or does not take writes now; trying again later may work.
    #[error("the database cannot be used now: {0}")]
    Unavailable(String),
    /// Two units met; the whole unit may be tried again.
    #[error("two writes met in the database; try again")]
    Contended,
    /// A unique index refused the row; which, as the database says it.
    #[error("already there: {0}")]
    Duplicate(String),
    /// What is stored cannot be read back: a bug, or somebody changed rows by hand.
    #[error("stored data cannot be read: {0}")]
    Corrupt(String),
    /// Anything else the database says.
    #[error("the database refused: {0}")]
    Refused(String),
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        let text = error.to_string();
        match &error {
            DbErr::ConnectionAcquire(_) => return Self::Unavailable("no free connection in time".to_owned()),
            DbErr::Conn(_) => return Self::Unavailable(text),
            _ => {}
        }
        let code = match &error {
            DbErr::Exec(RuntimeErr::SqlxError(inner)) | DbErr::Query(RuntimeErr::SqlxError(inner)) => {
                return from_sqlx(inner);
            }
            _ => String::new(),
        };
        by_code(&code, text)
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        from_sqlx(&error)
    }
}

fn from_sqlx(error: &sqlx::Error) -> StoreError {
    match error {
        sqlx::Error::Database(inner) if inner.is_unique_violation() => {
            StoreError::Duplicate(inner.message().to_owned())
        }
        sqlx::Error::Database(inner) => {
            by_code(inner.code().as_deref().unwrap_or(""), inner.message().to_owned())
        }
        sqlx::Error::Io(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::Tls(_) => StoreError::Unavailable(error.to_string()),
        _ => StoreError::Refused(error.to_string()),
    }
}

/// SQLSTATE on PostgreSQL, extended result codes on SQLite.
fn by_code(code: &str, text: String) -> StoreError {
    // SQLite keeps the kind in the low byte: 778, a failed write, is a kind of 10, an I/O error.
    let sqlite = code
        .parse::<u32>()
        .ok()
        .filter(|_| code.len() < 5)
        .map(|code| code & 0xff);
    match (sqlite, code) {
        // SQLITE_BUSY; serialisation failure, deadlock
        (Some(5), _) | (_, "40001" | "40P01") => StoreError::Contended,
        // SQLITE_FULL; disk full
        (Some(13), _) | (_, "53100") => StoreError::Unavailable(format!(
            "the disk is full ({text}); free space where the database lies: nothing that was acknowledged is lost, and it goes on by itself"
        )),
        // SQLITE_READONLY, SQLITE_IOERR, SQLITE_CANTOPEN
        (Some(8 | 10 | 14), _) => StoreError::Unavailable(text),
        // connection trouble, shutting down, too many connections, read-only
        (_, "08000" | "08003" | "08006" | "57P01" | "57P02" | "57P03" | "53300" | "25006") => {
            StoreError::Unavailable(text)
        }
        _ => StoreError::Refused(text),
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        Self::Corrupt(error.to_string())
    }
}

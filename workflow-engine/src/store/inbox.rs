//! What chat platforms delivered: stored with the job that takes it up, in one commit, before it is acknowledged.

use entities::inbox;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait, QueryFilter, Statement, Value,
};

use super::{
    db::{Backend, Db},
    error::StoreError,
};

/// The kind of the job that takes up a delivery; its payload is the delivery's `seq`.
pub const JOB: &str = "chat_interaction";

/// A delivery on its way in.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Which platform.
    pub platform: String,
    /// The platform's id of it, the same when it comes again.
    pub delivery: String,
    /// What it is, as JSON.
    pub body: String,
    /// When it came, milliseconds UTC.
    pub at: i64,
    /// Id of the job that takes it up.
    pub job: String,
}

/// Whether a delivery is new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    /// It is; its place in the inbox.
    New(i64),
    /// It was here before; its place, and what came of it, once something has.
    Known(i64, Option<String>),
}

/// Stores a delivery and its job, or finds the one that is there.
///
/// # Errors
/// When the database does not take it: then it must not be acknowledged.
pub async fn insert(db: &Db, delivery: Delivery) -> Result<Stored, StoreError> {
    let backend = dialect(db);
    db.write(move |tx| Box::pin(async move { insert_in(tx, backend, delivery).await }))
        .await
}

async fn insert_in(
    tx: &DatabaseTransaction,
    backend: DbBackend,
    new: Delivery,
) -> Result<Stored, StoreError> {
    let sql = "INSERT INTO inbox (platform, delivery, received_at, body) VALUES ($1, $2, $3, $4)
               ON CONFLICT (platform, delivery) DO NOTHING RETURNING seq";
    let values: Vec<Value> = vec![
        new.platform.clone().into(),
        new.delivery.clone().into(),
        new.at.into(),
        new.body.into(),
    ];
    let row = tx
        .query_one_raw(Statement::from_sql_and_values(backend, sql, values))
        .await?;
    let Some(row) = row else {
        let known = inbox::Entity::find()
            .filter(inbox::Column::Platform.eq(new.platform))
            .filter(inbox::Column::Delivery.eq(new.delivery))
            .one(tx)
            .await?;
        let known = known.ok_or_else(|| StoreError::Corrupt("a delivery is there and is not".to_owned()))?;
        return Ok(Stored::Known(known.seq, known.outcome));
    };
    let seq: i64 = row.try_get("", "seq")?;
    let sql = "INSERT INTO job (id, kind, dedup, payload, due_at, max_attempts, created_at)
               VALUES ($1, $2, $3, $4, $5, 8, $5)";
    let values: Vec<Value> = vec![
        new.job.into(),
        JOB.into(),
        format!("{JOB}:{seq}").into(),
        seq.to_string().into(),
        new.at.into(),
    ];
    tx.execute_raw(Statement::from_sql_and_values(backend, sql, values))
        .await?;
    Ok(Stored::New(seq))
}

/// A delivery by its place, unless it has been taken up already.
///
/// # Errors
/// When the database does not answer.
pub async fn waiting(db: &Db, seq: i64) -> Result<Option<String>, StoreError> {
    let row = inbox::Entity::find_by_id(seq).one(db.reads()).await?;
    Ok(row.filter(|row| row.handled_at.is_none()).map(|row| row.body))
}

/// Remembers what came of a delivery.
///
/// # Errors
/// When the database does not take it.
pub async fn handled(db: &Db, seq: i64, at: i64, outcome: &str) -> Result<(), StoreError> {
    let (backend, outcome) = (dialect(db), outcome.to_owned());
    db.write(move |tx| {
        Box::pin(async move {
            let sql = "UPDATE inbox SET handled_at = $2, outcome = $3 WHERE seq = $1";
            let values: Vec<Value> = vec![seq.into(), at.into(), outcome.into()];
            tx.execute_raw(Statement::from_sql_and_values(backend, sql, values))
                .await?;
            Ok(())
        })
    })
    .await
}

/// Forgets deliveries that came before `before` and were taken up; says how many. Keep at least a day: platforms repeat.
///
/// # Errors
/// When the database does not take it.
pub async fn forget(db: &Db, before: i64) -> Result<u64, StoreError> {
    db.write(move |tx| {
        Box::pin(async move {
            let old = inbox::Entity::delete_many()
                .filter(inbox::Column::ReceivedAt.lt(before))
                .filter(inbox::Column::HandledAt.is_not_null());
            Ok(old.exec(tx).await?.rows_affected)
        })
    })
    .await
}

fn dialect(db: &Db) -> DbBackend {
    match db.backend() {
        Backend::Sqlite => DbBackend::Sqlite,
        Backend::Postgres => DbBackend::Postgres,
    }
}

//! Digests: each period and audience is asked for once, composed once and told once.

use entities::{digest, shadow_run};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::OnConflict,
};

use super::{
    commit::JobRow,
    db::Db,
    error::StoreError,
    queue,
    singleton::{self, Fence},
};
use crate::shadow::analysis::report::Report;
use crate::values::Usd;

/// A digest that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// First day of its week.
    pub period: String,
    /// For whom.
    pub audience: String,
    /// The composed digest as JSON, once it is composed.
    pub body: Option<String>,
    /// When it was told, milliseconds UTC.
    pub sent_at: Option<i64>,
}

/// Asks for a digest (period and audience): its row and its job in one commit, by whoever holds the work of `fence`, or
/// by a person. False when it was asked for before, by whichever replica.
///
/// # Errors
/// [`StoreError::Contended`] when somebody else holds the work by now; else when the database cannot be written.
pub async fn ask(
    db: &Db,
    (period, audience): (&str, &str),
    job: JobRow,
    now: i64,
    fence: Option<Fence>,
) -> Result<bool, StoreError> {
    let row = digest::ActiveModel {
        period: Set(period.to_owned()),
        audience: Set(audience.to_owned()),
        asked_at: Set(now),
        body: Set(None),
        sent_at: Set(None),
    };
    db.write(move |tx| {
        Box::pin(async move {
            if let Some(fence) = fence {
                singleton::must_hold(tx, fence).await?;
            }
            let once = OnConflict::columns([digest::Column::Period, digest::Column::Audience])
                .do_nothing()
                .to_owned();
            let inserted = digest::Entity::insert(row)
                .on_conflict(once)
                .exec_without_returning(tx)
                .await?;
            if inserted == 0 {
                return Ok(false);
            }
            queue::enqueue_in(tx, job, now).await?;
            Ok(true)
        })
    })
    .await
}

/// The digest of that period and audience, if it was asked for.
///
/// # Errors
/// When the database does not answer.
pub async fn find(db: &Db, period: &str, audience: &str) -> Result<Option<Told>, StoreError> {
    let key = (period.to_owned(), audience.to_owned());
    Ok(digest::Entity::find_by_id(key).one(db.reads()).await?.map(told))
}

/// The newest digests, at most `limit`.
///
/// # Errors
/// As [`find`].
pub async fn newest(db: &Db, limit: u64) -> Result<Vec<Told>, StoreError> {
    let query = digest::Entity::find()
        .order_by_desc(digest::Column::Period)
        .limit(limit);
    Ok(query.all(db.reads()).await?.into_iter().map(told).collect())
}

/// Keeps the composed digest, unless one is kept already: what was told does not change afterwards.
///
/// # Errors
/// When the database cannot be written.
pub async fn keep(db: &Db, period: &str, audience: &str, body: String) -> Result<(), StoreError> {
    let query = digest::Entity::update_many()
        .col_expr(digest::Column::Body, body.into())
        .filter(digest::Column::Period.eq(period))
        .filter(digest::Column::Audience.eq(audience))
        .filter(digest::Column::Body.is_null());
    db.write(move |tx| {
        Box::pin(async move {
            query.exec(tx).await?;
            Ok(())
        })
    })
    .await
}

/// Marks it as told.
///
/// # Errors
/// As [`keep`].
pub async fn sent(db: &Db, period: &str, audience: &str, now: i64) -> Result<(), StoreError> {
    let query = digest::Entity::update_many()
        .col_expr(digest::Column::SentAt, now.into())
        .filter(digest::Column::Period.eq(period))
        .filter(digest::Column::Audience.eq(audience))
        .filter(digest::Column::SentAt.is_null());
    db.write(move |tx| {
        Box::pin(async move {
            query.exec(tx).await?;
            Ok(())
        })
    })
    .await
}

/// What the paired calls of a run cost on the old and the new route; none before its report, or without costs.
///
/// # Errors
/// As [`find`]; [`StoreError::Corrupt`] when the report cannot be read.
pub async fn paired_cost(db: &Db, run: &str) -> Result<Option<(Usd, Usd)>, StoreError> {
    let row = shadow_run::Entity::find_by_id(run).one(db.reads()).await?;
    let Some(report) = row.and_then(|row| row.report) else {
        return Ok(None);
    };
    let report: Report = serde_json::from_str(&report)?;
    Ok(report.cost.map(|cost| (cost.incumbent_usd, cost.candidate_usd)))
}

fn told(row: digest::Model) -> Told {
    Told {
        period: row.period,
        audience: row.audience,
        body: row.body,
        sent_at: row.sent_at,
    }
}

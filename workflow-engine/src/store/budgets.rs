//! Thresholds of budgets: people are told once per budget, month and threshold.

use entities::budget_alert;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, sea_query::OnConflict};

use super::{commit::JobRow, db::Db, error::StoreError, queue};

/// A threshold that was reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Key of the budget.
    pub budget: String,
    /// The month (`2026-11`).
    pub period: String,
    /// Percent, or `forecast`.
    pub threshold: String,
    /// What people are told.
    pub sentence: String,
}

/// Records `alerts` of one budget, and enqueues `job` in the same commit if at least one of them is new. Says how many
/// are new.
///
/// # Errors
/// When the database cannot be written.
pub async fn record(db: &Db, alerts: Vec<Alert>, job: JobRow, now: i64) -> Result<u64, StoreError> {
    db.write(move |tx| {
        Box::pin(async move {
            let mut new = 0;
            for alert in alerts {
                let row = budget_alert::ActiveModel {
                    budget: Set(alert.budget),
                    period: Set(alert.period),
                    threshold: Set(alert.threshold),
                    at: Set(now),
                    sentence: Set(alert.sentence),
                };
                let once = OnConflict::columns([
                    budget_alert::Column::Budget,
                    budget_alert::Column::Period,
                    budget_alert::Column::Threshold,
                ])
                .do_nothing()
                .to_owned();
                new += budget_alert::Entity::insert(row)
                    .on_conflict(once)
                    .exec_without_returning(tx)
                    .await?;
            }
            if new > 0 {
                queue::enqueue_in(tx, job, now).await?;
            }
            Ok(new)
        })
    })
    .await
}

/// Alerts of a month, the oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn of_month(db: &Db, period: &str) -> Result<Vec<Alert>, StoreError> {
    let rows = budget_alert::Entity::find()
        .filter(budget_alert::Column::Period.eq(period))
        .order_by_asc(budget_alert::Column::At)
        .order_by_asc(budget_alert::Column::Budget)
        .order_by_asc(budget_alert::Column::Threshold)
        .all(db.reads())
        .await?;
    let alerts = rows.into_iter().map(|row| Alert {
        budget: row.budget,
        period: row.period,
        threshold: row.threshold,
        sentence: row.sentence,
    });
    Ok(alerts.collect())
}

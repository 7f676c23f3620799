//! Runs of the shadow test: the frozen plan with its sample, each answer once, the report.

use entities::{change, shadow_answer, shadow_run};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend,
    EntityTrait, QueryFilter, QueryOrder, QuerySelect, Statement, TryInsertResult,
};
use serde::{Deserialize, Serialize};

use super::{
    db::Db,
    error::StoreError,
    shadow_content::{self, SealedText},
};
use crate::{
    evidence::packet::EarlierRun,
    shadow::{
        arm::{Arm, ArmResult},
        plan::{Sampled, ShadowPlan},
        run::Progress,
    },
    values::{ChangeId, Digest, Hop, Revision, RunId, Usd, WorkflowId},
};

/// A run as it is stored.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// The change it tests.
    pub change: ChangeId,
    /// Its edition.
    pub revision: Revision,
    /// SHA-256 of the plan.
    pub plan_sha256: Digest,
    /// The plan.
    pub plan: ShadowPlan,
    /// The traces it drew.
    pub sample: Vec<Sampled>,
    /// Answers stored.
    pub done: u64,
    /// Answers planned.
    pub total: u64,
    /// Spent on them.
    pub spent_usd: Usd,
    /// When it began, milliseconds UTC.
    pub started_at: i64,
    /// When it ended.
    pub finished_at: Option<i64>,
    /// The report as JSON, once there is one.
    pub report: Option<String>,
    /// SHA-256 of the report as canonical JSON.
    pub report_sha256: Option<Digest>,
}

/// One stored answer: figures and verdicts, no prompt and no output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// Of which trace.
    pub trace_id: String,
    /// Of which arm.
    pub arm: Arm,
    /// Judged.
    pub result: ArmResult,
    /// Who was asked.
    pub hop: Hop,
    /// How often the prompt was sent for this answer.
    pub attempts: u32,
    /// The model that says it answered.
    pub response_model: Option<String>,
    /// The vendor's id of the answer.
    pub response_id: Option<String>,
    /// Why nothing readable came, or what was wrong with what came.
    pub trouble: Option<String>,
}

/// The plan and its sample, as they are kept in one column.
#[derive(Serialize, Deserialize)]
struct Frozen {
    plan: ShadowPlan,
    sample: Vec<Sampled>,
}

/// Keeps a run before its plan is announced and before anything is sent.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(db: &Db, run: &Run) -> Result<(), StoreError> {
    let frozen = Frozen {
        plan: run.plan.clone(),
        sample: run.sample.clone(),
    };
    let row = shadow_run::ActiveModel {
        id: Set(run.id.0.clone()),
        change_id: Set(run.change.0.clone()),
        revision: Set(i32::try_from(run.revision.0).unwrap_or(i32::MAX)),
        plan_sha256: Set(run.plan_sha256.0.to_vec()),
        plan: Set(serde_json::to_string(&frozen)?),
        state: Set("running".to_owned()),
        total: Set(i32::try_from(run.total).unwrap_or(i32::MAX)),
        done: Set(0),
        spent_usd: Set(Usd::ZERO.plain()),
        started_at: Set(run.started_at),
        finished_at: Set(None),
        report: Set(None),
        report_sha256: Set(None),
    };
    db.write(move |tx| {
        Box::pin(async move {
            row.insert(tx).await?;
            Ok(())
        })
    })
    .await
}

/// The run of that id.
///
/// # Errors
/// When the database does not answer, or the row cannot be read.
pub async fn by_id(db: &Db, id: &RunId) -> Result<Option<Run>, StoreError> {
    let row = shadow_run::Entity::find_by_id(id.0.clone())
        .one(db.reads())
        .await?;
    row.map(read).transpose()
}

/// Every run of a change, oldest first.
///
/// # Errors
/// As [`by_id`].
pub async fn of_change(db: &Db, change: &ChangeId) -> Result<Vec<Run>, StoreError> {
    let rows = shadow_run::Entity::find()
        .filter(shadow_run::Column::ChangeId.eq(change.as_str()))
        .order_by_asc(shadow_run::Column::StartedAt)
        .order_by_asc(shadow_run::Column::Id)
        .all(db.reads())
        .await?;
    rows.into_iter().map(read).collect()
}

/// The newest finished runs of a workflow, at most `limit`, newest first.
///
/// # Errors
/// As [`by_id`].
pub async fn of_workflow(db: &Db, workflow: &WorkflowId, limit: u64) -> Result<Vec<Run>, StoreError> {
    let changes: Vec<String> = change::Entity::find()
        .select_only()
        .column(change::Column::Id)
        .filter(change::Column::Workflow.eq(workflow.as_str()))
        .order_by_desc(change::Column::Number)
        .limit(100)
        .into_tuple()
        .all(db.reads())
        .await?;
    let rows = shadow_run::Entity::find()
        .filter(shadow_run::Column::ChangeId.is_in(changes))
        .filter(shadow_run::Column::State.eq("finished"))
        .order_by_desc(shadow_run::Column::StartedAt)
        .limit(limit)
        .all(db.reads())
        .await?;
    rows.into_iter().map(read).collect()
}

/// How far a run has come at `now` (milliseconds UTC).
///
/// # Errors
/// As [`by_id`].
pub async fn progress(db: &Db, id: &RunId, now: i64) -> Result<Option<Progress>, StoreError> {
    Ok(by_id(db, id).await?.map(|run| run.progress(now)))
}

impl Run {
    /// How far it has come at `now` (milliseconds UTC).
    #[must_use]
    pub fn progress(&self, now: i64) -> Progress {
        let elapsed = u64::try_from(self.finished_at.unwrap_or(now) - self.started_at).unwrap_or_default();
        Progress {
            done: self.done,
            total: self.total,
            spent_usd: self.spent_usd,
            cap_usd: self.plan.spend_cap_usd,
            seconds_left: crate::shadow::run::seconds_left(self.done, 0, self.total, elapsed),
        }
    }
}

impl From<Run> for EarlierRun {
    fn from(run: Run) -> Self {
        let report: Option<serde_json::Value> = run
            .report
            .as_deref()
            .and_then(|text| serde_json::from_str(text).ok());
        Self {
            run: run.id,
            plan_sha256: run.plan_sha256,
            verdict: report.and_then(|report| report["verdict"].as_str().map(str::to_owned)),
        }
    }
}

/// Every stored answer of a run.
///
/// # Errors
/// As [`by_id`].
pub async fn answers(db: &Db, id: &RunId) -> Result<Vec<Answer>, StoreError> {
    let rows: Vec<String> = shadow_answer::Entity::find()
        .select_only()
        .column(shadow_answer::Column::Body)
        .filter(shadow_answer::Column::RunId.eq(id.as_str()))
        .into_tuple()
        .all(db.reads())
        .await?;
    rows.iter().map(|body| Ok(serde_json::from_str(body)?)).collect()
}

/// Keeps an answer that was paid for, with its encrypted `texts`; false if the run has one for that trace and arm
/// already. Moves the run's progress and spending on in the same unit.
///
/// # Errors
/// When the database does not answer.
pub async fn keep(
    db: &Db,
    run: &RunId,
    answer: &Answer,
    texts: Vec<SealedText>,
    at: i64,
) -> Result<bool, StoreError> {
    let row = row(run, answer, at)?;
    let cost = answer.result.cost_usd.unwrap_or_default();
    let run = run.clone();
    db.write(move |tx| {
        Box::pin(async move {
            if insert_once(tx, vec![row]).await? == 0 {
                return Ok(false);
            }
            shadow_content::insert(tx, &run, texts).await?;
            count(tx, run.as_str(), (1, cost)).await?;
            Ok(true)
        })
    })
    .await
}

pub(super) fn row(run: &RunId, answer: &Answer, at: i64) -> Result<shadow_answer::ActiveModel, StoreError> {
    Ok(shadow_answer::ActiveModel {
        run_id: Set(run.0.clone()),
        trace_id: Set(answer.trace_id.clone()),
        arm: Set(answer.arm.as_str().to_owned()),
        at: Set(at),
        body: Set(serde_json::to_string(answer)?),
    })
}

/// How many of them were not there yet.
pub(super) async fn insert_once(
    tx: &DatabaseTransaction,
    rows: Vec<shadow_answer::ActiveModel>,
) -> Result<u64, StoreError> {
    let kept = shadow_answer::Entity::insert_many(rows)
        .on_conflict_do_nothing_on([
            shadow_answer::Column::RunId,
            shadow_answer::Column::TraceId,
            shadow_answer::Column::Arm,
        ])
        .exec_without_returning(tx)
        .await?;
    Ok(match kept {
        TryInsertResult::Inserted(rows) => rows,
        _ => 0,
    })
}

/// Corrects how many answers a run asks for in all.
///
/// # Errors
/// When the database does not answer.
pub async fn set_total(db: &Db, run: &RunId, total: u64) -> Result<(), StoreError> {
    let row = shadow_run::ActiveModel {
        id: Set(run.0.clone()),
        total: Set(i32::try_from(total).unwrap_or(i32::MAX)),
        ..Default::default()
    };
    update(db, row).await
}

/// Sums are decimal text, so they are added here and not in SQL; the row is locked meanwhile.
pub(super) async fn count(
    tx: &DatabaseTransaction,
    id: &str,
    (answers, cost): (i32, Usd),
) -> Result<(), StoreError> {
    let backend = tx.get_database_backend();
    let lock = if backend == DbBackend::Postgres {
        " FOR UPDATE"
    } else {
        ""
    };
    let select = format!("SELECT spent_usd FROM shadow_run WHERE id = $1{lock}");
    let row = tx
        .query_one_raw(Statement::from_sql_and_values(backend, select, [id.into()]))
        .await?
        .ok_or_else(|| StoreError::Corrupt(format!("run {id} is not there")))?;
    let spent: String = row.try_get("", "spent_usd")?;
    let spent = money(&spent)? + cost;
    let update = "UPDATE shadow_run SET done = done + $3, spent_usd = $2 WHERE id = $1";
    tx.execute_raw(Statement::from_sql_and_values(
        backend,
        update,
        [id.into(), spent.plain().into(), answers.into()],
    ))
    .await?;
    Ok(())
}

/// Keeps the report of a run; the same one again changes nothing.
///
/// # Errors
/// When the database does not answer.
pub async fn finish(db: &Db, run: &RunId, report: String, digest: Digest, at: i64) -> Result<(), StoreError> {
    let row = shadow_run::ActiveModel {
        id: Set(run.0.clone()),
        state: Set("finished".to_owned()),
        finished_at: Set(Some(at)),
        report: Set(Some(report)),
        report_sha256: Set(Some(digest.0.to_vec())),
        ..Default::default()
    };
    update(db, row).await
}

/// Marks a run that will have no report.
///
/// # Errors
/// When the database does not answer.
pub async fn give_up(db: &Db, run: &RunId, at: i64) -> Result<(), StoreError> {
    let row = shadow_run::ActiveModel {
        id: Set(run.0.clone()),
        state: Set("failed".to_owned()),
        finished_at: Set(Some(at)),
        ..Default::default()
    };
    update(db, row).await
}

async fn update(db: &Db, row: shadow_run::ActiveModel) -> Result<(), StoreError> {
    db.write(move |tx| {
        Box::pin(async move {
            row.update(tx).await?;
            Ok(())
        })
    })
    .await
}

fn read(row: shadow_run::Model) -> Result<Run, StoreError> {
    let frozen: Frozen = serde_json::from_str(&row.plan)?;
    let count = |number: i32| u64::try_from(number).unwrap_or_default();
    Ok(Run {
        id: RunId(row.id),
        change: ChangeId(row.change_id),
        revision: Revision(u32::try_from(row.revision).unwrap_or_default()),
        plan_sha256: digest(&row.plan_sha256)?,
        plan: frozen.plan,
        sample: frozen.sample,
        done: count(row.done),
        total: count(row.total),
        spent_usd: money(&row.spent_usd)?,
        started_at: row.started_at,
        finished_at: row.finished_at,
        report: row.report,
        report_sha256: row.report_sha256.as_deref().map(digest).transpose()?,
    })
}

fn digest(bytes: &[u8]) -> Result<Digest, StoreError> {
    let bytes = bytes.try_into();
    bytes
        .map(Digest)
        .map_err(|_| StoreError::Corrupt("a digest is not 32 bytes".to_owned()))
}

fn money(text: &str) -> Result<Usd, StoreError> {
    text.parse()
        .map(Usd)
        .map_err(|_| StoreError::Corrupt(format!("`{text}` is no amount")))
}

//! Labels of people and verdicts of judges on pairs of free text.

use std::collections::{BTreeMap, BTreeSet};

use entities::{judge_label, judge_verdict};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, TryInsertResult};

use super::{
    db::Db,
    error::StoreError,
    shadow::{self, Run},
};
use crate::{
    shadow::judging::{Both, Order, Says},
    values::{Digest, PersonId, RunId, Usd, WorkflowId},
};

/// A pair: its run and its trace.
pub type Place = (RunId, String);

/// The word for two answers that are the same text, beside the words of the orders.
const SAME: &str = "same";

/// Which of two answers a person holds better.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Of which pair.
    pub place: Place,
    /// Of which workflow.
    pub workflow: WorkflowId,
    /// Who says it.
    pub person: PersonId,
    /// What.
    pub says: Says,
}

/// What a judge said of a pair, as far as it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// By order; none where the reply was no verdict.
    pub replies: BTreeMap<Order, Option<Says>>,
    /// The longer answer, or a tie.
    pub longer: Says,
    /// Both answers are the same text.
    pub same: bool,
}

impl Heard {
    /// The orders that are still to be asked; both of a pair that nobody was asked about.
    #[must_use]
    pub fn missing(heard: Option<&Self>) -> Vec<Order> {
        let is_known = |order: &Order| heard.is_some_and(|heard| heard.replies.contains_key(order));
        Order::BOTH.into_iter().filter(|order| !is_known(order)).collect()
    }

    /// Both orders; none while one is missing.
    #[must_use]
    pub fn both(&self) -> Option<Both> {
        Some(Both {
            forward: *self.replies.get(&Order::Forward)?,
            swapped: *self.replies.get(&Order::Swapped)?,
        })
    }
}

/// One reply that was paid for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// About which pair.
    pub place: Place,
    /// In which order; none where both answers are the same text and nobody was asked.
    pub order: Option<Order>,
    /// The verdict, if it was one.
    pub says: Option<Says>,
    /// The longer answer, or a tie.
    pub longer: Says,
    /// How often the question was sent.
    pub attempts: u32,
    /// What it cost.
    pub cost: Usd,
}

/// Keeps a label; the first one of a pair stays. False if the pair had one.
///
/// # Errors
/// When the database does not answer.
pub async fn label(db: &Db, label: Label, at: i64) -> Result<bool, StoreError> {
    let row = judge_label::ActiveModel {
        run_id: Set(label.place.0.0),
        trace_id: Set(label.place.1),
        workflow: Set(label.workflow.0),
        person: Set(label.person.0),
        says: Set(label.says.as_str().to_owned()),
        at: Set(at),
    };
    db.write(move |tx| {
        Box::pin(async move {
            let kept = judge_label::Entity::insert(row)
                .on_conflict_do_nothing_on([judge_label::Column::RunId, judge_label::Column::TraceId])
                .exec_without_returning(tx)
                .await?;
            Ok(matches!(kept, TryInsertResult::Inserted(rows) if rows > 0))
        })
    })
    .await
}

/// Takes a label of that person back; nothing happens where the pair has none of theirs.
///
/// # Errors
/// When the database does not answer.
pub async fn take_back(db: &Db, place: Place, person: &PersonId) -> Result<(), StoreError> {
    let theirs = judge_label::Entity::delete_many()
        .filter(judge_label::Column::RunId.eq(place.0.0))
        .filter(judge_label::Column::TraceId.eq(place.1))
        .filter(judge_label::Column::Person.eq(person.as_str()));
    db.write(move |tx| {
        Box::pin(async move {
            theirs.exec(tx).await?;
            Ok(())
        })
    })
    .await
}

/// The labels of a workflow, oldest first.
///
/// # Errors
/// When the database does not answer, or a row cannot be read.
pub async fn labels(db: &Db, workflow: &WorkflowId) -> Result<Vec<Label>, StoreError> {
    let rows = judge_label::Entity::find()
        .filter(judge_label::Column::Workflow.eq(workflow.as_str()))
        .order_by_asc(judge_label::Column::At)
        .all(db.reads())
        .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Label {
                place: (RunId(row.run_id), row.trace_id),
                workflow: WorkflowId(row.workflow),
                person: PersonId(row.person),
                says: says(&row.says)?,
            })
        })
        .collect()
}

/// Keeps a reply, and what it cost the run `asked_by`, in one unit.
///
/// # Errors
/// When the database does not answer.
pub async fn keep(
    db: &Db,
    judge: Digest,
    reply: Reply,
    (asked_by, at): (&RunId, i64),
) -> Result<(), StoreError> {
    let row = judge_verdict::ActiveModel {
        judge: Set(judge.to_string()),
        run_id: Set(reply.place.0.0),
        trace_id: Set(reply.place.1),
        turn: Set(reply.order.map_or(SAME, Order::as_str).to_owned()),
        says: Set(reply.says.map(|says| says.as_str().to_owned())),
        longer: Set(reply.longer.as_str().to_owned()),
        asked_by: Set(asked_by.0.clone()),
        attempts: Set(reply.attempts.into()),
        at: Set(at),
    };
    let (run, cost) = (asked_by.clone(), reply.cost);
    let answers = i32::from(reply.order.is_some());
    db.write(move |tx| {
        Box::pin(async move {
            judge_verdict::Entity::insert(row)
                .on_conflict_do_nothing_on([
                    judge_verdict::Column::Judge,
                    judge_verdict::Column::RunId,
                    judge_verdict::Column::TraceId,
                    judge_verdict::Column::Turn,
                ])
                .exec_without_returning(tx)
                .await?;
            // Whoever was first: this reply was paid for too.
            shadow::count(tx, run.as_str(), (answers, cost)).await
        })
    })
    .await
}

/// What a judge has said of pairs of these runs.
///
/// # Errors
/// When the database does not answer, or a row cannot be read.
pub async fn heard(
    db: &Db,
    judge: Digest,
    runs: &BTreeSet<RunId>,
) -> Result<BTreeMap<Place, Heard>, StoreError> {
    let rows = judge_verdict::Entity::find()
        .filter(judge_verdict::Column::Judge.eq(judge.to_string()))
        .filter(judge_verdict::Column::RunId.is_in(runs.iter().map(RunId::as_str)))
        .all(db.reads())
        .await?;
    let mut heard: BTreeMap<Place, Heard> = BTreeMap::new();
    for row in rows {
        let longer = says(&row.longer)?;
        let pair = heard
            .entry((RunId(row.run_id), row.trace_id))
            .or_insert_with(|| Heard {
                replies: BTreeMap::new(),
                longer,
                same: false,
            });
        match Order::BOTH.into_iter().find(|order| order.as_str() == row.turn) {
            Some(order) => {
                let verdict = row.says.as_deref().map(says).transpose()?;
                pair.replies.insert(order, verdict);
            }
            None => pair.same = row.turn == SAME,
        }
    }
    Ok(heard)
}

/// The scores of a run's pairs by its own judge, candidate minus incumbent, by trace; nothing where none judged.
///
/// # Errors
/// As [`heard`].
pub async fn scores(db: &Db, run: &Run) -> Result<BTreeMap<String, f64>, StoreError> {
    let Some(card) = &run.plan.judge else {
        return Ok(BTreeMap::new());
    };
    let own = BTreeSet::from([run.id.clone()]);
    let heard = heard(db, Digest::of_json(card)?, &own).await?;
    let score = |heard: &Heard| match heard.both() {
        Some(both) => Some(both.verdict().score()),
        None => heard.same.then_some(0.0),
    };
    Ok(heard
        .into_iter()
        .filter_map(|((_, trace), heard)| Some((trace, score(&heard)?)))
        .collect())
}

/// How often a run has sent a question to its judge.
///
/// # Errors
/// When the database does not answer.
pub async fn questions_sent(db: &Db, run: &RunId) -> Result<u64, StoreError> {
    let rows = judge_verdict::Entity::find()
        .filter(judge_verdict::Column::AskedBy.eq(run.as_str()))
        .all(db.reads())
        .await?;
    let sent: i64 = rows.iter().map(|row| row.attempts).sum();
    Ok(u64::try_from(sent).unwrap_or_default())
}

fn says(text: &str) -> Result<Says, StoreError> {
    text.parse().map_err(StoreError::Corrupt)
}

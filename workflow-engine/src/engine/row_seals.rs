//! Seals the rows of each day that is over (calls with their cost, decisions) under one entry of the ledger, and proves a
//! single row from there.

use std::collections::BTreeMap;

use chrono::{DateTime, DurationRound as _, SecondsFormat, TimeDelta, Utc};
use sea_orm::DatabaseTransaction;
use serde::Serialize;
use serde_json::json;

use super::{Engine, notices};
use crate::{
    ledger::{
        merkle::{Hash, leaf_hash, root},
        notice::{Batch, Notice},
        rows::RowProof,
    },
    store::{
        calls::{CallStore, read::Filter, read::PAGE},
        error::StoreError,
        ledger::batches::{self, BatchRow},
    },
    usage::call::{Call, CallId},
    values::{Actor, Digest, Usd},
};

/// Rows of calls.
pub const CALLS: &str = "calls";
/// Rows of decisions.
pub const DECISIONS: &str = "decisions";
/// How long after its end a day is sealed: a call may be completed by its parent span for 15 minutes.
const GRACE: TimeDelta = TimeDelta::minutes(20);
/// How far back days are looked at again: what came later is sealed in a new edition.
const BACK: TimeDelta = TimeDelta::days(40);

/// How long a day's rows are read again each time, whatever their sums say.
const RECENT: TimeDelta = TimeDelta::days(3);

/// The rows of a day as they are sealed.
struct Day {
    from: DateTime<Utc>,
    leaves: Vec<Hash>,
    cost: Usd,
}

/// The two steps from a row to the ledger; the second is the proof of the entry.
#[derive(Clone, Debug)]
pub struct ProvenRow {
    /// The row's bytes.
    pub row: Vec<u8>,
    /// That it is one of the batch.
    pub proof: RowProof,
    /// The seal over the batch.
    pub batch: BatchRow,
}

/// Why a row cannot be proven.
#[derive(Debug, thiserror::Error)]
pub enum RowError {
    /// There is no such call.
    #[error("there is no call {0}; `governor calls export` lists ids")]
    NoCall(CallId),
    /// Its day is not over, or was not sealed yet.
    #[error("the calls of {0} are not sealed yet; a day is sealed within the hour after it is over (UTC)")]
    NotSealed(String),
    /// Its day looks different now.
    #[error(
        "the calls of {day} are not as they were sealed: {found} rows of {found_cost} USD in all, sealed were {sealed} \
         rows of {sealed_cost} USD; calls that came later are sealed within the hour, anything else was changed by hand"
    )]
    Changed {
        /// The day.
        day: String,
        /// Rows now.
        found: u64,
        /// Their cost.
        found_cost: String,
        /// Rows then.
        sealed: u64,
        /// Their cost.
        sealed_cost: String,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine {
    /// Seals every day that is over and looks different from its newest seal. Gives how many entries were written.
    ///
    /// # Errors
    /// When a database does not answer.
    pub async fn seal_rows(&self, calls: &CallStore) -> Result<usize, StoreError> {
        let now = self.clock().now();
        let (since, until) = (midnight(now - BACK), midnight(now - GRACE));
        let mut written = 0;
        let mut sums: BTreeMap<DateTime<Utc>, (u64, Usd)> = BTreeMap::new();
        for (key, sum) in calls.rollup(since, until).await?.0 {
            let day = sums.entry(midnight(key.hour)).or_default();
            day.0 += sum.calls.unsigned_abs();
            day.1 += Usd(sum.cost);
        }
        let sealed = self.seals(CALLS, since).await?;
        for (from, (count, cost)) in sums {
            let known = sealed.get(&from.timestamp_millis());
            // The sums tell whether anything came since; rows may be completed without a change of the sums for a while.
            let settled = from < now - RECENT;
            let same = |known: &&BatchRow| known.count == count && known.cost_usd == normal(cost);
            if settled && known.filter(same).is_some() {
                continue;
            }
            let day = call_day(calls, from).await?;
            written += usize::from(self.seal_day(CALLS, day, known).await?);
        }
        let sealed = self.seals(DECISIONS, since).await?;
        let mut from = since;
        while from < until {
            let day = self.decision_day(from).await?;
            let known = sealed.get(&from.timestamp_millis());
            if !day.leaves.is_empty() {
                written += usize::from(self.seal_day(DECISIONS, day, known).await?);
            }
            from += TimeDelta::days(1);
        }
        Ok(written)
    }

    async fn seals(&self, rows: &str, since: DateTime<Utc>) -> Result<BTreeMap<i64, BatchRow>, StoreError> {
        let found = batches::since(self.db().reads(), rows, since.timestamp_millis()).await?;
        Ok(found.into_iter().map(|batch| (batch.from, batch)).collect())
    }

    /// Writes the entry over a day, unless its newest one says the same.
    async fn seal_day(
        &self,
        rows: &'static str,
        day: Day,
        known: Option<&BatchRow>,
    ) -> Result<bool, StoreError> {
        let until = day.from + TimeDelta::days(1);
        let batch = BatchRow {
            rows: rows.to_owned(),
            from: day.from.timestamp_millis(),
            until: until.timestamp_millis(),
            edition: known.map_or(1, |known| known.edition + 1),
            count: day.leaves.len() as u64,
            cost_usd: normal(day.cost),
            root: Digest(root(&day.leaves)),
            n: 0,
        };
        if known.is_some_and(|known| known.root == batch.root && known.count == batch.count) {
            return Ok(false);
        }
        let notice = Notice::RowsSealed(Batch {
            rows: rows.to_owned(),
            from: text(day.from),
            until: text(until),
            edition: batch.edition,
            count: batch.count,
            cost_usd: batch.cost_usd,
            root: batch.root,
        });
        let (at, actor) = (
            self.clock().now().timestamp_millis(),
            Actor::Service("ledger".to_owned()),
        );
        notices::unit(self.db(), move |tx| {
            let (mut batch, notice, actor) = (batch.clone(), notice.clone(), actor.clone());
            Box::pin(async move {
                // Another replica may have sealed the same day meanwhile: before this unit, or before its number in the
                // stream was taken, and then the unit is tried again.
                if is_sealed(tx, &batch).await? {
                    return Ok(false);
                }
                batch.n = notices::append(tx, &actor, at, notice).await?;
                if is_sealed(tx, &batch).await? {
                    return Err(StoreError::Contended);
                }
                batches::keep(tx, &batch).await?;
                Ok(true)
            })
        })
        .await
    }

    async fn decision_day(&self, from: DateTime<Utc>) -> Result<Day, StoreError> {
        let until = from + TimeDelta::days(1);
        let (first, last) = (from.timestamp_millis(), until.timestamp_millis());
        let mut leaves = Vec::new();
        for (digest, change, phase, at) in batches::decisions(self.db().reads(), first, last).await? {
            let row = json!({"at": at, "change": change, "decision": digest, "phase": phase});
            leaves.push(leaf_hash(&serde_json_canonicalizer::to_vec(&row)?));
        }
        Ok(Day {
            from,
            leaves,
            cost: Usd::ZERO,
        })
    }

    /// The row of a call, and the proof that it is one of the calls sealed for its day.
    ///
    /// # Errors
    /// [`RowError`].
    pub async fn prove_call(&self, calls: &CallStore, id: CallId) -> Result<ProvenRow, RowError> {
        let call = calls.get(id).await?.ok_or(RowError::NoCall(id))?;
        let from = midnight(call.started_at);
        let batch = batches::at(self.db().reads(), CALLS, from.timestamp_millis()).await?;
        let batch = batch.ok_or_else(|| RowError::NotSealed(day_name(from)))?;
        let day = call_day(calls, from).await?;
        if let Some(fault) = differs(&day, &batch) {
            return Err(fault);
        }
        let row = call_row(&call)?;
        let leaf = leaf_hash(&row);
        let index = day.leaves.iter().position(|other| *other == leaf);
        let proof = index.and_then(|index| RowProof::of(&day.leaves, index as u64));
        Ok(ProvenRow {
            row,
            proof: proof.ok_or(RowError::NoCall(id))?,
            batch,
        })
    }

    /// Compares the calls of every sealed day with their seals; gives a sentence for each day that differs, and how many
    /// days were compared. Days whose calls were forgotten at the end of their retention are left out.
    ///
    /// # Errors
    /// When a database does not answer.
    pub async fn check_calls(&self, calls: &CallStore) -> Result<(usize, Vec<String>), StoreError> {
        let (mut compared, mut faults) = (0, Vec::new());
        for batch in batches::since(self.db().reads(), CALLS, 0).await? {
            let from = DateTime::from_timestamp_millis(batch.from).unwrap_or_default();
            let day = call_day(calls, from).await?;
            if day.leaves.is_empty() {
                continue;
            }
            compared += 1;
            faults.extend(differs(&day, &batch).map(|fault| fault.to_string()));
        }
        Ok((compared, faults))
    }
}

async fn is_sealed(tx: &DatabaseTransaction, batch: &BatchRow) -> Result<bool, StoreError> {
    let newest = batches::at(tx, &batch.rows, batch.from).await?;
    Ok(newest.is_some_and(|newest| newest.edition >= batch.edition))
}

fn differs(day: &Day, batch: &BatchRow) -> Option<RowError> {
    if root(&day.leaves) == batch.root.0 && day.leaves.len() as u64 == batch.count {
        return None;
    }
    Some(RowError::Changed {
        day: day_name(day.from),
        found: day.leaves.len() as u64,
        found_cost: day.cost.plain(),
        sealed: batch.count,
        sealed_cost: batch.cost_usd.plain(),
    })
}

/// The calls of a UTC day in the order of their ids.
async fn call_day(calls: &CallStore, from: DateTime<Utc>) -> Result<Day, StoreError> {
    let filter = Filter {
        since: Some(from),
        until: Some(from + TimeDelta::days(1)),
        ..Filter::default()
    };
    let mut day = Day {
        from,
        leaves: Vec::new(),
        cost: Usd::ZERO,
    };
    let mut cursor = None;
    loop {
        let page = calls.list_oldest(&filter, cursor, PAGE).await?;
        for call in &page.items {
            day.leaves.push(leaf_hash(&call_row(call)?));
            day.cost += call.cost_usd.unwrap_or(Usd::ZERO);
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            day.cost = normal(day.cost);
            return Ok(day);
        }
    }
}

/// What is sealed of a call: what it was, what it cost and what the policy found; nothing of people or their words.
#[derive(Serialize)]
struct CallRow<'call> {
    id: CallId,
    source: &'call str,
    record_id: &'call str,
    started_at: String,
    workflow: Option<&'call str>,
    team: Option<&'call str>,
    provider: Option<&'call str>,
    route_model: Option<&'call str>,
    response_model: Option<&'call str>,
    status: serde_json::Value,
    input_tokens: Option<u64>,
    cached_input_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
    output_tokens: Option<u64>,
    reasoning_tokens: Option<u64>,
    cost_usd: Option<String>,
    is_shadow: bool,
    is_internal: bool,
    cache_hit: Option<bool>,
    findings: &'call [String],
}

fn call_row(call: &Call) -> Result<Vec<u8>, StoreError> {
    let row = CallRow {
        id: call.id,
        source: &call.source,
        record_id: &call.record_id,
        started_at: call.started_at.to_rfc3339_opts(SecondsFormat::Micros, true),
        workflow: call.workflow.as_ref().map(|workflow| workflow.as_str()),
        team: call.team.as_deref(),
        provider: call.provider.as_deref(),
        route_model: call.route_model.as_deref(),
        response_model: call.response_model.as_deref(),
        status: serde_json::to_value(call.status)?,
        input_tokens: call.input_tokens,
        cached_input_tokens: call.cached_input_tokens,
        cache_write_tokens: call.cache_write_tokens,
        output_tokens: call.output_tokens,
        reasoning_tokens: call.reasoning_tokens,
        cost_usd: call.cost_usd.map(|cost| normal(cost).plain()),
        is_shadow: call.is_shadow,
        is_internal: call.is_internal,
        cache_hit: call.cache_hit,
        findings: &call.findings,
    };
    Ok(serde_json_canonicalizer::to_vec(&row)?)
}

/// The amount in its one spelling, without zeros at the end.
fn normal(amount: Usd) -> Usd {
    Usd(amount.0.normalize())
}

fn midnight(at: DateTime<Utc>) -> DateTime<Utc> {
    at.duration_trunc(TimeDelta::days(1)).unwrap_or(at)
}

fn text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn day_name(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d").to_string()
}

//! One commit of calls: what came, what it belongs to, and what changes because of it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::sql::{Conn, Kind, List, Reader, Value};
use super::write::{Contents, put_rejects, write};
use super::{columns, keys};
use crate::store::error::StoreError;
use crate::usage::attribute::Rules;
use crate::usage::call::{Call, CallId};
use crate::usage::report::{Content, Delivery, Recorded, SpanNote, reports_of};

/// Rounds in which neighbours of neighbours are looked up: answer, then trace, then chain.
const ROUNDS: usize = 3;
/// Most neighbours by one key: more share a trace or a cached answer, and are not the same call.
const NEAR: i64 = 256;
/// Most calls below one span in an hour that it can complete.
const BELOW: i64 = 20_000;
/// Calls that say they begin later than this from now come from a wrong clock.
pub(super) const FUTURE: TimeDelta = TimeDelta::days(3);

/// What one commit takes in: the deliveries of several requests, each with its source.
pub(super) struct Batch<'a> {
    pub(super) deliveries: Vec<(&'a str, &'a Delivery)>,
    pub(super) now: DateTime<Utc>,
}

/// Stores the batch in the transaction that is open on `conn`; one answer a delivery, in order.
pub(super) async fn store(
    conn: &mut Conn,
    batch: &Batch<'_>,
    rules: &Rules,
) -> Result<Vec<Recorded>, StoreError> {
    if let Conn::Postgres(_) = conn {
        // Two replicas that store two reports of one call at once would not see each other's.
        conn.run("SELECT pg_advisory_xact_lock(72177100)").await?;
    }
    let mut answers = vec![Recorded::default(); batch.deliveries.len()];
    put_rejects(conn, batch, &mut answers).await?;
    let fresh = only_new(conn, arrived(batch), &mut answers).await?;
    let notes: Vec<&SpanNote> = batch.deliveries.iter().flat_map(|(_, d)| &d.notes).collect();
    put_notes(conn, &notes, batch.now).await?;
    let Around { rows: old, edge } = neighbours(conn, &fresh, &notes).await?;
    let mut rows = rows(conn, rules, &fresh, &old, &notes).await?;
    for id in &edge {
        let same = |row: &Call| old.get(id).is_some_and(|was| members(was) == members(row));
        if rows.get(id).is_some_and(same)
            && let Some(was) = old.get(id)
        {
            rows.insert(*id, was.clone());
        }
    }
    count(&mut answers, &fresh, &old, &rows);
    let contents = Contents {
        fresh: &fresh,
        rows: &rows,
        old: &old,
    };
    contents.put(conn, rules, batch.now).await?;
    // What did not change is not written again.
    rows.retain(|id, row| old.get(id) != Some(row));
    write(conn, &old, &rows).await?;
    Ok(answers)
}

/// A report that came now, and which delivery brought it.
pub(super) struct Fresh<'a> {
    pub(super) nth: usize,
    pub(super) call: &'a Call,
    pub(super) content: Option<&'a Content>,
}

fn arrived<'a>(batch: &'a Batch<'_>) -> Vec<Fresh<'a>> {
    let limit = batch.now + FUTURE;
    let deliveries = batch.deliveries.iter().enumerate();
    let reports = deliveries.flat_map(|(nth, (_, delivery))| delivery.reports.iter().map(move |r| (nth, r)));
    reports
        .filter(|(_, report)| report.call.started_at <= limit)
        .map(|(nth, report)| Fresh {
            nth,
            call: &report.call,
            content: report.content.as_ref(),
        })
        .collect()
}

/// Leaves away what is stored already, as a row or as a part of one, and what came twice.
async fn only_new<'a>(
    conn: &mut Conn,
    mut fresh: Vec<Fresh<'a>>,
    answers: &mut [Recorded],
) -> Result<Vec<Fresh<'a>>, StoreError> {
    let ids: Vec<Uuid> = fresh.iter().map(|f| f.call.id.0).collect();
    let mut known: HashSet<Uuid> = HashSet::new();
    if !ids.is_empty() {
        let (from, until) = span_of(&ids);
        let sql = "SELECT id FROM call WHERE id IN ?? AND started_at >= ? AND started_at <= ?";
        let found = conn
            .fetch_in(sql, List::Ids(&ids), &[from, until], &[Kind::Id])
            .await?;
        known.extend(found.into_iter().map(|row| Reader::of(row).id()));
        let sql = "SELECT part FROM call_part WHERE part IN ??";
        let found = conn.fetch_in(sql, List::Ids(&ids), &[], &[Kind::Id]).await?;
        known.extend(found.into_iter().map(|row| Reader::of(row).id()));
    }
    fresh.retain(|f| {
        let new = known.insert(f.call.id.0);
        answers[f.nth].duplicates += usize::from(!new);
        new
    });
    Ok(fresh)
}

/// The time that ids carry, with a millisecond to spare: on PostgreSQL only those days are looked at.
pub(super) fn span_of(ids: &[Uuid]) -> (Value, Value) {
    let times = || ids.iter().map(|id| CallId(*id).at());
    let from = times().min().unwrap_or_default();
    let until = times().max().unwrap_or_default() + TimeDelta::milliseconds(1);
    (Value::Time(Some(from)), Value::Time(Some(until)))
}

async fn put_notes(conn: &mut Conn, notes: &[&SpanNote], now: DateTime<Utc>) -> Result<(), StoreError> {
    let columns = [
        ("k", Kind::Whole),
        ("span", Kind::Whole),
        ("note", Kind::Text),
        ("seen_at", Kind::Time),
    ];
    let mut rows = BTreeMap::new();
    for note in notes {
        let key = (keys::digest(&note.trace_id), keys::digest(&note.span_id));
        let text = serde_json::to_string(note)?;
        let row = vec![
            Value::Whole(Some(key.0)),
            Value::Whole(Some(key.1)),
            Value::Text(Some(text)),
            Value::Time(Some(now)),
        ];
        rows.insert(key, row);
    }
    let rows = rows.into_values().collect();
    conn.insert("span_note", &columns, rows, "ON CONFLICT (k, span) DO NOTHING")
        .await?;
    Ok(())
}

/// Stored rows around what came.
#[derive(Default)]
struct Around {
    rows: HashMap<CallId, Call>,
    /// Those of the last round: their own neighbours were not looked up, so they explain others but stay as they are.
    edge: HashSet<CallId>,
}

/// Stored rows that may tell of the same calls as what came, or stand below a span that came.
async fn neighbours(conn: &mut Conn, fresh: &[Fresh<'_>], notes: &[&SpanNote]) -> Result<Around, StoreError> {
    let below = notes
        .iter()
        .flat_map(|note| keys::of_trace(&note.trace_id, note.started_at, note.ended_at));
    let below: BTreeSet<i64> = below.collect();
    let mut wanted: BTreeSet<i64> = fresh.iter().flat_map(|f| keys::near(f.call)).collect();
    let mut asked: BTreeSet<i64> = below.clone();
    let mut around = Around::default();
    let mut found = ids_under(conn, below.into_iter().collect(), BELOW).await?;
    for _ in 0..ROUNDS {
        let next: Vec<i64> = wanted.difference(&asked).copied().collect();
        if next.is_empty() && found.is_empty() {
            break;
        }
        asked.extend(&next);
        found.extend(ids_under(conn, next, NEAR).await?);
        let new: Vec<Uuid> = std::mem::take(&mut found)
            .into_iter()
            .filter(|id| !around.rows.contains_key(&CallId(*id)))
            .collect();
        around.edge.clear();
        for row in by_ids(conn, &new).await? {
            wanted.extend(reports_of(&row).iter().flat_map(keys::near));
            around.edge.insert(row.id);
            around.rows.insert(row.id, row);
        }
    }
    if wanted.is_subset(&asked) {
        around.edge.clear();
    }
    Ok(around)
}

/// Rows that have one of those keys, of each key at most `most`: a trace or an answer that thousands of calls share
/// must not make every commit read all of them.
async fn ids_under(conn: &mut Conn, keys: Vec<i64>, most: i64) -> Result<BTreeSet<Uuid>, StoreError> {
    if keys.is_empty() {
        return Ok(BTreeSet::new());
    }
    let sql = "SELECT id FROM (SELECT id, ROW_NUMBER() OVER (PARTITION BY k ORDER BY id DESC) AS nth \
               FROM call_key WHERE k IN ??) AS found WHERE nth <= ?";
    let most = Value::Whole(Some(most));
    let rows = conn
        .fetch_in(sql, List::Wholes(&keys), &[most], &[Kind::Id])
        .await?;
    Ok(rows.into_iter().map(|row| Reader::of(row).id()).collect())
}

/// The rows of those ids.
pub(super) async fn by_ids(conn: &mut Conn, ids: &[Uuid]) -> Result<Vec<Call>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let (from, until) = span_of(ids);
    let names = columns::names();
    let sql = format!("SELECT {names} FROM call WHERE id IN ?? AND started_at >= ? AND started_at <= ?");
    let rows = conn
        .fetch_in(&sql, List::Ids(ids), &[from, until], &columns::kinds())
        .await?;
    let mut seen = HashSet::new();
    let calls = rows
        .into_iter()
        .map(columns::call)
        .collect::<Result<Vec<_>, _>>()?;
    Ok(calls.into_iter().filter(|call| seen.insert(call.id)).collect())
}

/// What old and new reports amount to together.
async fn rows(
    conn: &mut Conn,
    rules: &Rules,
    fresh: &[Fresh<'_>],
    old: &HashMap<CallId, Call>,
    came: &[&SpanNote],
) -> Result<HashMap<CallId, Call>, StoreError> {
    let mut reports: Vec<Call> = old.values().flat_map(reports_of).collect();
    reports.extend(fresh.iter().map(|f| f.call.clone()));
    let traces: BTreeSet<i64> = reports
        .iter()
        .filter(|report| report.beside.parent_span_id.is_some())
        .filter_map(|report| report.trace_id.as_deref().map(keys::digest))
        .collect();
    let traces: Vec<i64> = traces.into_iter().collect();
    let mut notes: Vec<SpanNote> = old.values().flat_map(|row| row.beside.above.clone()).collect();
    if !traces.is_empty() {
        let sql = "SELECT note FROM span_note WHERE k IN ??";
        let found = conn
            .fetch_in(sql, List::Wholes(&traces), &[], &[Kind::Text])
            .await?;
        for row in found {
            notes.push(serde_json::from_str(&Reader::of(row).text().unwrap_or_default())?);
        }
    }
    notes.extend(came.iter().map(|note| (*note).clone()));
    Ok(rules.rows(reports, &notes))
}

/// The reports that a row stands for.
pub(super) fn members(row: &Call) -> Vec<CallId> {
    match row.beside.parts.as_slice() {
        [] => vec![row.id],
        parts => parts.iter().map(|part| part.call.id).collect(),
    }
}

/// Tells each delivery what became of its reports.
fn count(
    answers: &mut [Recorded],
    fresh: &[Fresh<'_>],
    old: &HashMap<CallId, Call>,
    rows: &HashMap<CallId, Call>,
) {
    let brought: HashMap<CallId, usize> = fresh.iter().map(|f| (f.call.id, f.nth)).collect();
    let was: HashSet<CallId> = old.values().flat_map(members).collect();
    for (id, row) in rows {
        let members = members(row);
        let mut bringers = members.iter().filter_map(|member| brought.get(member).copied());
        let Some(first) = bringers.next() else {
            // No report of this row came now: a span above it did.
            if old.get(id) != Some(row)
                && let Some(answer) = answers.first_mut()
            {
                answer.completed += 1;
            }
            continue;
        };
        if members.iter().any(|member| was.contains(member)) {
            answers[first].completed += 1;
        } else {
            answers[first].new += 1;
        }
        for other in bringers {
            answers[other].completed += 1;
        }
    }
}

//! One commit of calls: what came, what it belongs to, and what changes because of it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::sql::{Conn, Kind, List, Reader, Value};
use super::{columns, content, keys, sums};
use crate::store::error::StoreError;
use crate::usage::attribute::Rules;
use crate::usage::call::{Call, CallId};
use crate::usage::report::{Content, Delivery, Recorded, Reject, SpanNote, reports_of};
use crate::usage::rollup::Fold;

/// Rounds in which neighbours of neighbours are looked up: answer, then trace, then chain.
const ROUNDS: usize = 3;
/// Calls that say they begin later than this from now come from a wrong clock.
const FUTURE: TimeDelta = TimeDelta::days(3);
/// Most of a rejected record that is kept.
const REJECT_BYTES: usize = 256 * 1024;

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
    let old = neighbours(conn, &fresh, &notes).await?;
    let mut rows = rows(conn, rules, &fresh, &old, &notes).await?;
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
struct Fresh<'a> {
    nth: usize,
    call: &'a Call,
    content: Option<&'a Content>,
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

fn too_late(delivery: &Delivery, now: DateTime<Utc>) -> Vec<Reject> {
    let late = delivery
        .reports
        .iter()
        .filter(|report| report.call.started_at > now + FUTURE);
    late.map(|report| Reject {
        place: report.call.record_id.clone(),
        reason: format!(
            "begins at {}, more than 3 days from now: check the sender's clock",
            report.call.started_at
        ),
        body: serde_json::to_vec(&report.call).unwrap_or_default(),
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
fn span_of(ids: &[Uuid]) -> (Value, Value) {
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

/// Stored rows that may tell of the same calls as what came, or stand below a span that came.
async fn neighbours(
    conn: &mut Conn,
    fresh: &[Fresh<'_>],
    notes: &[&SpanNote],
) -> Result<HashMap<CallId, Call>, StoreError> {
    let mut wanted: BTreeSet<i64> = fresh.iter().flat_map(|f| keys::near(f.call)).collect();
    wanted.extend(
        notes
            .iter()
            .flat_map(|note| keys::of_trace(&note.trace_id, note.started_at, note.ended_at)),
    );
    let mut asked: BTreeSet<i64> = BTreeSet::new();
    let mut old: HashMap<CallId, Call> = HashMap::new();
    for _ in 0..ROUNDS {
        let next: Vec<i64> = wanted.difference(&asked).copied().collect();
        if next.is_empty() {
            break;
        }
        asked.extend(&next);
        let found = conn
            .fetch_in(
                "SELECT id FROM call_key WHERE k IN ??",
                List::Wholes(&next),
                &[],
                &[Kind::Id],
            )
            .await?;
        let ids: BTreeSet<Uuid> = found
            .into_iter()
            .map(|row| Reader::of(row).id())
            .filter(|id| !old.contains_key(&CallId(*id)))
            .collect();
        let ids: Vec<Uuid> = ids.into_iter().collect();
        for row in by_ids(conn, &ids).await? {
            wanted.extend(reports_of(&row).iter().flat_map(keys::near));
            old.insert(row.id, row);
        }
    }
    Ok(old)
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
fn members(row: &Call) -> Vec<CallId> {
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

/// Prompts and answers that came, and the rows they belong to.
struct Contents<'a> {
    fresh: &'a [Fresh<'a>],
    rows: &'a HashMap<CallId, Call>,
    old: &'a HashMap<CallId, Call>,
}

impl Contents<'_> {
    async fn put(&self, conn: &mut Conn, rules: &Rules, now: DateTime<Utc>) -> Result<(), StoreError> {
        let placed = |row: &'_ Call| {
            members(row)
                .into_iter()
                .map(|id| (id, row.id))
                .collect::<Vec<_>>()
        };
        let row_of: HashMap<CallId, CallId> = self.rows.values().flat_map(placed).collect();
        let mut put: BTreeMap<CallId, Vec<Value>> = BTreeMap::new();
        for came in self.fresh {
            let row = row_of.get(&came.call.id).and_then(|id| self.rows.get(id));
            let (Some(content), Some(row)) = (came.content, row) else {
                continue;
            };
            // A span above may still name the workflow; what stays without one is dropped a little later.
            let may_learn = row.workflow.is_none() && came.call.beside.parent_span_id.is_some();
            if rules.keeps_content(row) || may_learn {
                let body = Value::Blob(Some(content::packed(content)?));
                put.insert(
                    row.id,
                    vec![Value::Id(Some(row.id.0)), Value::Time(Some(now)), body],
                );
            }
        }
        // A row that another one has taken in leaves its content to it.
        for id in self.old.keys().filter(|id| !self.rows.contains_key(id)) {
            let Some(row) = row_of.get(id) else { continue };
            let sql = "UPDATE call_content SET id = ? WHERE id = ? AND NOT EXISTS (SELECT 1 FROM call_content WHERE id = ?)";
            let binds = [row.0, id.0, row.0].map(|id| Value::Id(Some(id)));
            conn.execute(sql, &binds).await?;
        }
        let columns = [("id", Kind::Id), ("at", Kind::Time), ("body", Kind::Blob)];
        let put = put.into_values().collect();
        conn.insert("call_content", &columns, put, "ON CONFLICT (id) DO NOTHING")
            .await?;
        Ok(())
    }
}

/// Writes new and changed rows, takes away those that were merged into others, and keeps the sums in step.
async fn write(
    conn: &mut Conn,
    old: &HashMap<CallId, Call>,
    rows: &HashMap<CallId, Call>,
) -> Result<(), StoreError> {
    let taken: HashSet<CallId> = rows.values().flat_map(members).collect();
    let gone: Vec<&Call> = old
        .values()
        .filter(|row| rows.contains_key(&row.id) || taken.contains(&row.id))
        .collect();
    let mut fold = Fold::default();
    for row in &gone {
        fold.take(row);
    }
    let ids: Vec<Uuid> = gone.iter().map(|row| row.id.0).collect();
    if !ids.is_empty() {
        let (from, until) = span_of(&ids);
        conn.delete_in(
            "DELETE FROM call WHERE id IN ?? AND started_at >= ? AND started_at <= ?",
            &ids,
            &[from, until],
        )
        .await?;
    }
    let mut values = Vec::with_capacity(rows.len());
    for row in rows.values() {
        values.push(columns::values(row)?);
    }
    let tail = match conn {
        Conn::Sqlite(_) => "ON CONFLICT (id) DO NOTHING RETURNING id",
        Conn::Postgres(_) => "ON CONFLICT (id, started_at) DO NOTHING RETURNING id",
    };
    let stored = conn.insert("call", &columns::COLUMNS, values, tail).await?;
    for id in stored {
        // Sums follow what is in the table, not what was meant to be.
        if let Some(row) = rows.get(&CallId(id)) {
            fold.put(row);
        }
    }
    put_keys(conn, &gone, rows).await?;
    put_parts(conn, rows).await?;
    fold.tidy();
    sums::put_deltas(conn, &fold).await
}

async fn put_keys(conn: &mut Conn, gone: &[&Call], rows: &HashMap<CallId, Call>) -> Result<(), StoreError> {
    // Keys of a row that is no more find nothing and do no harm; they leave with their hour.
    let known: HashSet<(i64, CallId)> = gone
        .iter()
        .flat_map(|row| {
            reports_of(row)
                .iter()
                .flat_map(keys::own)
                .map(|k| (k, row.id))
                .collect::<Vec<_>>()
        })
        .collect();
    let mut put = BTreeSet::new();
    for row in rows.values() {
        let own = reports_of(row)
            .iter()
            .flat_map(keys::own)
            .map(|k| (k, row.id))
            .collect::<BTreeSet<_>>();
        put.extend(own.into_iter().filter(|entry| !known.contains(entry)));
    }
    let values = put
        .into_iter()
        .map(|(k, id)| vec![Value::Whole(Some(k)), Value::Id(Some(id.0))])
        .collect();
    let columns = [("k", Kind::Whole), ("id", Kind::Id)];
    conn.insert("call_key", &columns, values, "ON CONFLICT (k, id) DO NOTHING")
        .await?;
    Ok(())
}

async fn put_parts(conn: &mut Conn, rows: &HashMap<CallId, Call>) -> Result<(), StoreError> {
    let parts = rows.values().flat_map(|row| {
        let others = members(row).into_iter().filter(|part| *part != row.id);
        others
            .map(|part| vec![Value::Id(Some(part.0)), Value::Id(Some(row.id.0))])
            .collect::<Vec<_>>()
    });
    let columns = [("part", Kind::Id), ("id", Kind::Id)];
    let tail = "ON CONFLICT (part) DO UPDATE SET id = excluded.id";
    conn.insert("call_part", &columns, parts.collect(), tail).await?;
    // What is a row of its own again, or was first stored as a part, must not be found as one.
    let ids: Vec<Uuid> = rows.keys().map(|id| id.0).collect();
    conn.delete_in("DELETE FROM call_part WHERE part IN ??", &ids, &[])
        .await
}

/// Keeps what could not become a call, with the reason, and counts it.
async fn put_rejects(conn: &mut Conn, batch: &Batch<'_>, answers: &mut [Recorded]) -> Result<(), StoreError> {
    let mut rows = Vec::new();
    for (nth, (source, delivery)) in batch.deliveries.iter().enumerate() {
        let late = too_late(delivery, batch.now);
        for reject in delivery.rejects.iter().chain(&late) {
            let body = &reject.body[..reject.body.len().min(REJECT_BYTES)];
            let name = format!("{}\n{}\n{}", reject.place, reject.reason, rows.len());
            rows.push(vec![
                Value::Id(Some(CallId::of(source, &name, batch.now).0)),
                Value::Time(Some(batch.now)),
                Value::Text(Some((*source).to_owned())),
                Value::Text(Some(reject.place.clone())),
                Value::Text(Some(reject.reason.clone())),
                Value::Blob(Some(content::compressed(body)?)),
            ]);
            answers[nth].rejected += 1;
        }
    }
    let columns = [
        ("id", Kind::Id),
        ("at", Kind::Time),
        ("source", Kind::Text),
        ("place", Kind::Text),
        ("reason", Kind::Text),
        ("body", Kind::Blob),
    ];
    conn.insert("call_reject", &columns, rows, "ON CONFLICT (id) DO NOTHING")
        .await?;
    Ok(())
}

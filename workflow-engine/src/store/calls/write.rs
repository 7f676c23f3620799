//! Writing what a commit decided: rows, keys, parts, content, rejects.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::sql::{Conn, Kind, Value};
use super::unit::{Batch, FUTURE, Fresh, members, span_of};
use super::{columns, content, keys, sums};
use crate::store::error::StoreError;
use crate::usage::attribute::Rules;
use crate::usage::call::{Call, CallId};
use crate::usage::report::{Delivery, Recorded, Reject, reports_of};
use crate::usage::rollup::Fold;

/// Most of a rejected record that is kept.
const REJECT_BYTES: usize = 256 * 1024;

/// Prompts and answers that came, and the rows they belong to.
pub(super) struct Contents<'a> {
    pub(super) fresh: &'a [Fresh<'a>],
    pub(super) rows: &'a HashMap<CallId, Call>,
    pub(super) old: &'a HashMap<CallId, Call>,
}

impl Contents<'_> {
    pub(super) async fn put(
        &self,
        conn: &mut Conn,
        rules: &Rules,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
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
pub(super) async fn write(
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
pub(super) async fn put_rejects(
    conn: &mut Conn,
    batch: &Batch<'_>,
    answers: &mut [Recorded],
) -> Result<(), StoreError> {
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

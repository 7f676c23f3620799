//! Hourly sums: deltas are appended with the rows they belong to, and folded in a moment later.

use chrono::{DateTime, Utc};

use super::sql::{Conn, Kind, Reader, Value};
use crate::store::error::StoreError;
use crate::usage::rollup::{Fold, Key, Meter, Sums};

/// Most deltas of one folding.
pub(super) const FOLD: i64 = 20_000;

/// Key, counts, meters and totals, in the order of [`values`] and [`read`].
pub(super) const COLUMNS: [(&str, Kind); 22] = [
    ("hour", Kind::Time),
    ("workflow", Kind::Text),
    ("model", Kind::Text),
    ("provider", Kind::Text),
    ("kind", Kind::Text),
    ("calls", Kind::Whole),
    ("failures", Kind::Whole),
    ("blocked", Kind::Whole),
    ("cache_hits", Kind::Whole),
    ("unpriced", Kind::Whole),
    ("input_tokens", Kind::Whole),
    ("input_cost", Kind::Money),
    ("cache_read_tokens", Kind::Whole),
    ("cache_read_cost", Kind::Money),
    ("cache_write_tokens", Kind::Whole),
    ("cache_write_cost", Kind::Money),
    ("output_tokens", Kind::Whole),
    ("output_cost", Kind::Money),
    ("reasoning_tokens", Kind::Whole),
    ("reasoning_cost", Kind::Money),
    ("cost_usd", Kind::Money),
    ("cost_reported_usd", Kind::Money),
];

pub(super) fn kinds() -> [Kind; 22] {
    COLUMNS.map(|(_, kind)| kind)
}

pub(super) fn names() -> String {
    COLUMNS.map(|(name, _)| name).join(", ")
}

fn values(key: &Key, sums: &Sums) -> Vec<Value> {
    let mut out = vec![
        Value::Time(Some(key.hour)),
        Value::Text(Some(key.workflow.clone())),
        Value::Text(Some(key.model.clone())),
        Value::Text(Some(key.provider.clone())),
        Value::Text(Some(key.kind.clone())),
    ];
    let counts = [
        sums.calls,
        sums.failures,
        sums.blocked,
        sums.cache_hits,
        sums.unpriced,
    ];
    out.extend(counts.map(|count| Value::Whole(Some(count))));
    for meter in sums.meters() {
        out.push(Value::Whole(Some(meter.quantity)));
        out.push(Value::Money(Some(meter.cost)));
    }
    out.push(Value::Money(Some(sums.cost)));
    out.push(Value::Money(Some(sums.cost_reported)));
    out
}

pub(super) fn read(row: Vec<Value>) -> (Key, Sums) {
    let mut row = Reader::of(row);
    let key = Key {
        hour: row.time().unwrap_or_default(),
        workflow: row.text().unwrap_or_default(),
        model: row.text().unwrap_or_default(),
        provider: row.text().unwrap_or_default(),
        kind: row.text().unwrap_or_default(),
    };
    let mut sums = Sums {
        calls: row.whole().unwrap_or_default(),
        failures: row.whole().unwrap_or_default(),
        blocked: row.whole().unwrap_or_default(),
        cache_hits: row.whole().unwrap_or_default(),
        unpriced: row.whole().unwrap_or_default(),
        ..Sums::default()
    };
    let mut meter = || Meter {
        quantity: row.whole().unwrap_or_default(),
        cost: row.money().unwrap_or_default(),
    };
    sums.input = meter();
    sums.cache_read = meter();
    sums.cache_write = meter();
    sums.output = meter();
    sums.reasoning = meter();
    sums.cost = row.money().unwrap_or_default();
    sums.cost_reported = row.money().unwrap_or_default();
    (key, sums)
}

/// Appends what rows of this commit add to the sums.
pub(super) async fn put_deltas(conn: &mut Conn, fold: &Fold) -> Result<(), StoreError> {
    let rows = fold.0.iter().map(|(key, sums)| values(key, sums)).collect();
    conn.insert("rollup_delta", &COLUMNS, rows, "").await.map(|_| ())
}

/// Folds waiting deltas into the hourly sums, in the transaction that is open on `conn`; says how many.
pub(super) async fn fold(conn: &mut Conn) -> Result<usize, StoreError> {
    if let Conn::Postgres(_) = conn {
        // One folder at a time: two would overwrite each other's sums.
        conn.run("SELECT pg_advisory_xact_lock(72177101)").await?;
    }
    let sql = format!(
        "DELETE FROM rollup_delta WHERE seq IN (SELECT seq FROM rollup_delta ORDER BY seq LIMIT ?) RETURNING {}",
        names()
    );
    let rows = conn.fetch(&sql, &[Value::Whole(Some(FOLD))], &kinds()).await?;
    let taken = rows.len();
    let mut fold = Fold::default();
    for row in rows {
        let (key, sums) = read(row);
        fold.add(key, &sums);
    }
    fold.tidy();
    let Some((first, last)) = fold.0.keys().next().zip(fold.0.keys().next_back()) else {
        return Ok(taken);
    };
    for (key, sums) in stored(conn, first.hour, last.hour).await?.0 {
        if let Some(entry) = fold.0.get_mut(&key) {
            entry.add(&sums);
        }
    }
    let set: Vec<String> = COLUMNS[5..]
        .iter()
        .map(|(name, _)| format!("{name} = excluded.{name}"))
        .collect();
    let tail = format!(
        "ON CONFLICT (hour, workflow, model, provider, kind) DO UPDATE SET {}",
        set.join(", ")
    );
    let rows = fold.0.iter().map(|(key, sums)| values(key, sums)).collect();
    conn.insert("call_rollup", &COLUMNS, rows, &tail).await?;
    Ok(taken)
}

/// The folded sums of hours from `first` to `last`.
pub(super) async fn stored(
    conn: &mut Conn,
    first: DateTime<Utc>,
    last: DateTime<Utc>,
) -> Result<Fold, StoreError> {
    let sql = format!(
        "SELECT {} FROM call_rollup WHERE hour >= ? AND hour <= ?",
        names()
    );
    let binds = [Value::Time(Some(first)), Value::Time(Some(last))];
    let rows = conn.fetch(&sql, &binds, &kinds()).await?;
    Ok(Fold(rows.into_iter().map(read).collect()))
}

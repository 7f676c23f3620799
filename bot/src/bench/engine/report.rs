//! The rounds of a bench as one document, and that document as a table.

use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Map, Value, json};
use workflow_engine::store::db::{Backend, Db};

use super::{Plan, company::Turn, floor::Rates, workflow::TRANSITIONS};
use crate::bench::figures::percentile_ms;

/// What was measured in one turn of everything that is compared.
#[derive(Debug, Default)]
pub(super) struct Round {
    /// The database without us.
    pub(super) floor: Option<Rates>,
    /// Transitions without delivery and sealing.
    pub(super) alone: Option<Turn>,
    /// Transitions, delivery and sealing.
    pub(super) whole: Turn,
    /// The same with a long history in the tables.
    pub(super) grown: Option<Turn>,
}

impl Turn {
    fn rate(&self) -> f64 {
        self.workflows as f64 / self.took.as_secs_f64().max(f64::EPSILON)
    }
}

/// The figures: sums and percentiles over all rounds, rates and ratios as medians of the rounds' own.
pub(super) fn figures(plan: &Plan, db: &Db, rounds: &[Round]) -> Value {
    let sqlite = db.backend() == Backend::Sqlite;
    let whole = || rounds.iter().map(|round| &round.whole);
    let rate = median(whole().map(Turn::rate)).unwrap_or_default();
    let mut lags: Vec<Duration> = whole().flat_map(|turn| turn.lags.iter().copied()).collect();
    let mut document = Map::new();
    let mut put = |name: &str, value: Value| drop(document.insert(name.to_owned(), value));
    put("bench", json!("engine"));
    put("database", json!(if sqlite { "sqlite" } else { "postgres" }));
    put("in_flight", json!(plan.in_flight));
    put("seconds", json!(plan.seconds));
    put("rounds", json!(rounds.len()));
    put(
        "workflows",
        json!(whole().map(|turn| turn.workflows).sum::<u64>()),
    );
    put("workflows_per_s", number(Some(rate)));
    put("transitions_per_s", number(Some(rate * f64::from(TRANSITIONS))));
    for (name, value) in latency(whole()) {
        put(&name, value);
    }
    // Of transitions alone where they were measured: with everything, the queue and the sealer sync the log, too.
    let for_syncs = rounds
        .iter()
        .map(|round| round.alone.as_ref().unwrap_or(&round.whole));
    put(
        "commits_per_fsync",
        number(median(for_syncs.filter_map(|turn| turn.per_sync))),
    );
    put(
        "effects_delivered",
        json!(whole().map(|turn| turn.delivered).sum::<u64>()),
    );
    put("delivered", json!(true));
    put("events_sealed", json!(lags.len()));
    put("seal_lag_p99_ms", number(Some(percentile_ms(&mut lags, 0.99))));
    put("sealed", json!(whole().all(|turn| turn.sealed)));
    let alone = || rounds.iter().filter_map(|round| round.alone.as_ref());
    put(
        "sealed_per_s",
        number(median(alone().filter_map(|turn| turn.sealed_per_s))),
    );
    put("alone", side(alone()));
    put("floor", floor(sqlite, rounds));
    put("ratios", ratios(rounds));
    if plan.history > 0 {
        put("history", json!(plan.history));
        put(
            "grown",
            side(rounds.iter().filter_map(|round| round.grown.as_ref())),
        );
    }
    Value::Object(document)
}

fn latency<'turns>(turns: impl Iterator<Item = &'turns Turn>) -> Map<String, Value> {
    let mut latencies: Vec<Duration> = turns.flat_map(|turn| turn.latencies.iter().copied()).collect();
    let (p50, p99) = (
        percentile_ms(&mut latencies, 0.50),
        percentile_ms(&mut latencies, 0.99),
    );
    let spread = (p50 > 0.0).then(|| p99 / p50);
    [
        ("p50_ms", Some(p50)),
        ("p99_ms", Some(p99)),
        ("p99_over_p50", spread),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), number(value)))
    .collect()
}

/// A thing that ran beside the main one.
fn side<'turns>(turns: impl Iterator<Item = &'turns Turn> + Clone) -> Value {
    let Some(rate) = median(turns.clone().map(Turn::rate)) else {
        return Value::Null;
    };
    let mut document = latency(turns);
    document.insert("workflows_per_s".to_owned(), number(Some(rate)));
    Value::Object(document)
}

fn floor(sqlite: bool, rounds: &[Round]) -> Value {
    let workflows = |transitions: f64| transitions / f64::from(TRANSITIONS);
    let rates = || rounds.iter().filter_map(|round| round.floor.as_ref());
    let Some(plain) = median(rates().map(|rates| workflows(rates.plain))) else {
        return Value::Null;
    };
    let by = if sqlite {
        "three writes and a commit on a pool of one connection"
    } else {
        "pgbench: BEGIN, three writes, COMMIT for each transition, prepared"
    };
    let writer = median(rates().filter_map(|rates| rates.writer.map(workflows)));
    json!({"by": by, "workflows_per_s": number(Some(plain)), "writer_workflows_per_s": number(writer)})
}

fn ratios(rounds: &[Round]) -> Value {
    // What a plain connection to SQLite does is compared with our writer, which does the same.
    let floor = |round: &Round| round.floor.filter(|rates| rates.writer.is_none());
    let to_floor = |turn: &Turn, rates: Rates| turn.rate() * f64::from(TRANSITIONS) / rates.plain;
    let alone = |round: &Round| Some(to_floor(round.alone.as_ref()?, floor(round)?));
    let whole = |round: &Round| Some(to_floor(&round.whole, floor(round)?));
    let writer = |round: &Round| {
        round
            .floor?
            .writer
            .map(|writer| writer / round.floor.map_or(1.0, |it| it.plain))
    };
    let grown = |round: &Round| Some(round.grown.as_ref()?.rate() / round.whole.rate());
    json!({
        "alone_to_floor": number(median(rounds.iter().filter_map(alone))),
        "everything_to_floor": number(median(rounds.iter().filter_map(whole))),
        "writer_to_pool_of_one": number(median(rounds.iter().filter_map(writer))),
        "grown_to_empty": number(median(rounds.iter().filter_map(grown))),
    })
}

/// The middle one, the mean of the two in the middle for an even number; none of nothing.
fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    let (last, middle) = (values.len().checked_sub(1)?, values.len() / 2);
    Some((values[last / 2] + values[middle]) / 2.0)
}

fn number(value: Option<f64>) -> Value {
    value.map_or(Value::Null, |value| json!((value * 100.0).round() / 100.0))
}

/// Each figure beside its bar, where it has one.
const LINES: [(&str, &str, &str); 14] = [
    ("/workflows_per_s", "workflows a second, delivered and sealed", ""),
    (
        "/alone/workflows_per_s",
        "workflows a second, transitions alone",
        "",
    ),
    ("/floor/workflows_per_s", "the database without us", ""),
    (
        "/ratios/everything_to_floor",
        "delivered and sealed ÷ the database",
        "≥ 0.7",
    ),
    (
        "/ratios/alone_to_floor",
        "transitions alone ÷ the database",
        "≥ 0.85",
    ),
    (
        "/ratios/writer_to_pool_of_one",
        "our writer ÷ a pool of one connection",
        "≥ 2",
    ),
    ("/ratios/grown_to_empty", "with a history ÷ empty tables", "≥ 0.9"),
    (
        "/commits_per_fsync",
        "transitions for each sync of the log",
        "> 3",
    ),
    ("/p50_ms", "a transition, median, ms", ""),
    ("/p99_ms", "a transition, 99th of 100, ms", ""),
    ("/p99_over_p50", "99th ÷ median", "≤ 3"),
    ("/alone/p99_over_p50", "99th ÷ median, transitions alone", "≤ 3"),
    (
        "/seal_lag_p99_ms",
        "from commit to signature, 99th of 100, ms",
        "< 1,000",
    ),
    (
        "/sealed_per_s",
        "events sealed a second, nothing beside",
        "≥ 5,000",
    ),
];

/// The figures of [`super::run`] for people. What was not measured is left out.
#[must_use]
pub fn table(figures: &Value) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["", "measured", "bar"]);
    for (place, name, bar) in LINES {
        if let Some(value) = figures.pointer(place).and_then(Value::as_f64) {
            table.add_row([name.to_owned(), format!("{value}"), bar.to_owned()]);
        }
    }
    for column in [1, 2] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let text = |place: &str| {
        figures
            .pointer(place)
            .map(ToString::to_string)
            .unwrap_or_default()
    };
    let mut lines = format!(
        "{}, {} in flight, {} rounds, {} seconds each\n\n",
        figures
            .pointer("/database")
            .and_then(Value::as_str)
            .unwrap_or_default(),
        text("/in_flight"),
        text("/rounds"),
        text("/seconds"),
    );
    for line in table.to_string().lines() {
        lines.push_str(line.trim_end());
        lines.push('\n');
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_the_middle_one() {
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), Some(2.0));
        assert_eq!(median([4.0, 1.0, 2.0, 3.0].into_iter()), Some(2.5));
        assert_eq!(median(std::iter::empty()), None);
    }

    #[test]
    fn the_table_shows_what_was_measured_beside_its_bar() {
        let figures = json!({
            "database": "postgres", "in_flight": 32, "rounds": 3, "seconds": 10,
            "workflows_per_s": 301.5, "ratios": {"everything_to_floor": 0.74, "writer_to_pool_of_one": null},
        });
        let text = table(&figures);
        let lines: Vec<String> = text
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(
            lines,
            [
                "postgres, 32 in flight, 3 rounds, 10 seconds each",
                "",
                "measured bar",
                "workflows a second, delivered and sealed 301.5",
                "delivered and sealed ÷ the database 0.74 ≥ 0.7",
            ]
        );
    }
}

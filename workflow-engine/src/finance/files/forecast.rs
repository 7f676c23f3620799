//! `governor forecast`: month-end forecast and anomalies of each series of a file.

use serde_json::{Value, json};

use super::node::{FileError, Node};
use crate::finance::forecast::Series;

/// Longest horizon that is answered, in days.
const FARTHEST: usize = 3660;

/// Answers a file with `cases`.
///
/// # Errors
/// Line and field of what cannot be read.
pub fn forecast(text: &str) -> Result<Value, FileError> {
    let mut answers = Vec::new();
    for case in Node::read(text)?.field("cases")?.list()? {
        answers.push(answer(&case)?);
    }
    Ok(json!({ "cases": answers }))
}

fn answer(case: &Node<'_>) -> Result<Value, FileError> {
    let id = case.field("id")?.text()?;
    let daily = case.field("daily")?;
    let series = series(case)?;
    let horizon = match case.optional("horizon")? {
        Some(node) => {
            let horizon = node.count()?;
            if horizon > FARTHEST {
                return Err(node.wrong(&format!("at most {FARTHEST} days")));
            }
            horizon
        }
        None => 0,
    };
    let days = series.daily.len();
    let model = series
        .fit(days)
        .ok_or_else(|| daily.wrong("a list of at least one amount"))?;
    let ahead = series.ahead(&model, days, horizon);
    let total: f64 = ahead.iter().sum();
    let anomalies: Vec<Value> = series
        .anomalies()
        .iter()
        .map(|found| json!({"day": found.day, "actual": found.actual, "expected": found.expected, "z": found.z}))
        .collect();
    Ok(json!({
        "id": id, "dow_log_factors": model.weekday, "level": model.level, "trend": model.trend,
        "resid_var": model.residual_variance, "forecast": ahead, "total": total,
        "interval80": series.interval80(total, horizon).map(|(low, high)| [low, high]),
        "anomalies": anomalies,
    }))
}

fn series(case: &Node<'_>) -> Result<Series, FileError> {
    let daily = case.field("daily")?.list()?;
    let daily: Vec<f64> = daily.iter().map(Node::float).collect::<Result<_, _>>()?;
    let mut known_changes = Vec::new();
    if let Some(changes) = case.optional("known_changes")? {
        for change in changes.list()? {
            let [day, times] = change.items("[day, multiplier]")?;
            let factor = times.float()?;
            if factor <= 0.0 {
                return Err(times.wrong("a multiplier above 0"));
            }
            known_changes.push((day.count()?, factor));
        }
    }
    let first_weekday = match case.optional("first_weekday")? {
        Some(node) => node.count()? % 7,
        None => 0,
    };
    Ok(Series {
        daily,
        first_weekday,
        known_changes,
    })
}

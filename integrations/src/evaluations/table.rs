//! A table of pairs as CSV: the one that `governor packet export` writes, or one that somebody filled in.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Converted, Unusable};

/// The arms, as columns begin; the last two have only `ok`.
const ARMS: [&str; 4] = ["incumbent", "candidate", "recorded", "incumbent_repeat"];

/// Pairs of a CSV file with a head. Needed: `trace_id`, `incumbent_ok`, `candidate_ok` (1, 0, true, false). Known:
/// `stratum`, `cluster`, and for each arm `_score`, `_cost_usd`, `_latency_ms`, `_ttft_ms`, `_input_tokens`,
/// `_output_tokens`, `_check_NAME`; empty is unknown.
///
/// # Errors
/// Names the line and the column.
pub fn pairs(text: &str) -> Result<Converted, Unusable> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let head = reader
        .headers()
        .map_err(|error| Unusable(error.to_string()))?
        .clone();
    for needed in ["trace_id", "incumbent_ok", "candidate_ok"] {
        if !head.iter().any(|name| name == needed) {
            return Err(Unusable(format!("line 1: there is no column {needed}")));
        }
    }
    let (mut pairs, mut unpaired) = (String::new(), 0);
    for row in reader.records() {
        let row = row.map_err(|error| Unusable(error.to_string()))?;
        let line = row.position().map_or(0, csv::Position::line);
        let cells: BTreeMap<&str, &str> = head
            .iter()
            .zip(&row)
            .filter(|(_, cell)| !cell.is_empty())
            .collect();
        if !cells.contains_key("incumbent_ok") || !cells.contains_key("candidate_ok") {
            unpaired += 1;
            continue;
        }
        let pair = pair(&cells).map_err(|why| Unusable(format!("line {line}: {why}")))?;
        pairs.push_str(&pair.to_string());
        pairs.push('\n');
    }
    Ok(Converted { pairs, unpaired })
}

fn pair(cells: &BTreeMap<&str, &str>) -> Result<Value, String> {
    let mut arms = Map::new();
    for arm in ARMS {
        if cells.contains_key(format!("{arm}_ok").as_str()) {
            arms.insert(arm.to_owned(), self::arm(cells, arm)?);
        }
    }
    Ok(
        json!({"trace_id": cells.get("trace_id"), "stratum": cells.get("stratum"),
        "cluster": cells.get("cluster"), "arms": arms}),
    )
}

fn arm(cells: &BTreeMap<&str, &str>, name: &str) -> Result<Value, String> {
    let prefix = format!("{name}_");
    let (mut arm, mut checks) = (Map::new(), Map::new());
    for (column, cell) in cells {
        let Some(figure) = column.strip_prefix(&prefix) else {
            continue;
        };
        let bad = |what: &str| format!("{column} is \"{cell}\", which is not {what}");
        let yes_or_no = || match cell.to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" => Ok(json!(true)),
            "0" | "false" | "no" => Ok(json!(false)),
            _ => Err(bad("1 or 0")),
        };
        if let Some(check) = figure.strip_prefix("check_") {
            checks.insert(check.to_owned(), yes_or_no()?);
            continue;
        }
        let value = match figure {
            "ok" => yes_or_no()?,
            "cost_usd" => json!(cell),
            "score" | "latency_ms" | "ttft_ms" => json!(cell.parse::<f64>().map_err(|_| bad("a number"))?),
            "input_tokens" | "output_tokens" => {
                json!(cell.parse::<u64>().map_err(|_| bad("a whole number"))?)
            }
            // `incumbent_repeat_ok` begins like a column of the incumbent.
            _ => continue,
        };
        arm.insert(figure.to_owned(), value);
    }
    arm.insert("checks".to_owned(), Value::Object(checks));
    Ok(Value::Object(arm))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filled_in_table_becomes_pairs_and_half_rows_are_counted() {
        let text = "trace_id,stratum,incumbent_ok,candidate_ok,candidate_check_schema,candidate_latency_ms,incumbent_repeat_ok\n\
            a,\"refunds, old\",1,0,true,812.5,1\n\
            b,,true,,,,\n";
        let converted = pairs(text).unwrap();
        assert_eq!(converted.unpaired, 1);
        let pair: Value = serde_json::from_str(&converted.pairs).unwrap();
        assert_eq!(
            pair,
            json!({"trace_id": "a", "stratum": "refunds, old", "cluster": null, "arms": {
                "incumbent": {"ok": true, "checks": {}}, "incumbent_repeat": {"ok": true, "checks": {}},
                "candidate": {"ok": false, "latency_ms": 812.5, "checks": {"schema": true}}}})
        );
    }

    #[test]
    fn a_wrong_cell_is_told_with_line_and_column() {
        let told = |text: &str| pairs(text).unwrap_err().to_string();
        assert_eq!(
            told("trace_id,incumbent_ok\n"),
            "line 1: there is no column candidate_ok"
        );
        assert_eq!(
            told("trace_id,incumbent_ok,candidate_ok\na,1,maybe\n"),
            "line 2: candidate_ok is \"maybe\", which is not 1 or 0"
        );
    }
}

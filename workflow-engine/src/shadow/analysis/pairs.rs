//! The pairs of a shadow test: one trace, answered by both arms, line by line.

use std::collections::{BTreeMap, HashMap};
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fields::{FieldError, Fields};
use crate::values::Usd;

/// One trace with what its arms did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// Name of the trace; no two pairs share one.
    pub trace_id: String,
    /// Kind of request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stratum: Option<String>,
    /// Session or user whose traces hang together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// What each arm did.
    pub arms: Arms,
}

/// The arms of a trace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Arms {
    /// The current route, replayed now.
    pub incumbent: Arm,
    /// The proposed route.
    pub candidate: Arm,
    /// The current route as it answered in production.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded: Option<Arm>,
    /// The current route, replayed a second time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incumbent_repeat: Option<Arm>,
}

/// What one arm did. Unknown is `None`, never 0.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Arm {
    /// The primary verdict: the answer was right.
    pub ok: bool,
    /// A judged score in [−1, 1].
    pub score: Option<f64>,
    /// Cost of the call, from the usage it returned.
    pub cost_usd: Option<Usd>,
    /// Time to the last token, milliseconds.
    pub latency_ms: Option<f64>,
    /// Time to the first token, milliseconds.
    pub ttft_ms: Option<f64>,
    /// Input tokens, cached ones included.
    pub input_tokens: Option<u64>,
    /// Output tokens, reasoning included.
    pub output_tokens: Option<u64>,
    /// Checks by name, true when passed.
    pub checks: BTreeMap<String, bool>,
}

impl Arm {
    /// Input and output tokens, where both are known.
    #[must_use]
    pub fn tokens(&self) -> Option<(u64, u64)> {
        self.input_tokens.zip(self.output_tokens)
    }
}

/// What is wrong with a file of pairs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PairsError {
    /// A line is not what it should be.
    #[error("line {line}: {why}")]
    Line {
        /// Line number, from 1.
        line: usize,
        /// What is wrong, with the field.
        why: String,
    },
    /// There is nothing to judge.
    #[error("there are no pairs in it; write one JSON object a line")]
    Empty,
}

impl Arm {
    /// A recorded answer may speak for quality; what it cost and how long it took is of another day.
    #[must_use]
    pub fn quality_only(&self) -> Self {
        Self {
            ok: self.ok,
            checks: self.checks.clone(),
            ..Self::default()
        }
    }
}

/// Reads NDJSON, one pair a line; blank lines are passed over.
///
/// # Errors
/// Names the first line that is not JSON, lacks a field, holds an impossible figure or repeats a trace.
pub fn parse_lines(text: &str) -> Result<Vec<Pair>, PairsError> {
    let mut pairs = Vec::new();
    let mut seen = HashMap::new();
    for (index, line) in text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
    {
        let number = index + 1;
        let bad = |why: String| PairsError::Line { line: number, why };
        let value: Value = serde_json::from_str(line).map_err(|e| bad(not_json(&e)))?;
        let pair = Pair::parse(&value).map_err(|e| bad(e.to_string()))?;
        if let Some(first) = seen.insert(pair.trace_id.clone(), number) {
            return Err(bad(format!(
                "`trace_id` \"{}\" was already used in line {first}",
                pair.trace_id
            )));
        }
        pairs.push(pair);
    }
    if pairs.is_empty() {
        Err(PairsError::Empty)
    } else {
        Ok(pairs)
    }
}

impl Pair {
    /// Reads one pair; fields that are not known are passed over.
    ///
    /// # Errors
    /// Names the first field that is missing, of a wrong type, or outside its limits.
    pub fn parse(line: &Value) -> Result<Self, FieldError> {
        let fields = Fields::of(line, "")?;
        let arms = fields.value("arms").ok_or_else(|| {
            FieldError::new(
                "arms",
                "is missing; it must be an object with `incumbent` and `candidate`",
            )
        })?;
        let arms = Fields::of(arms, "arms")?;
        let needed = |name, path| match arms.value(name) {
            Some(arm) => Arm::parse(arm, path),
            None => Err(FieldError::new(path, "is missing; both arms are needed")),
        };
        let optional = |name, path| arms.value(name).map(|arm| Arm::parse(arm, path)).transpose();
        Ok(Self {
            trace_id: fields.required("trace_id", "text")?,
            stratum: fields.optional("stratum", "text")?,
            cluster: fields.optional("cluster", "text")?,
            arms: Arms {
                incumbent: needed("incumbent", "arms.incumbent")?,
                candidate: needed("candidate", "arms.candidate")?,
                recorded: optional("recorded", "arms.recorded")?,
                incumbent_repeat: optional("incumbent_repeat", "arms.incumbent_repeat")?,
            },
        })
    }
}

impl Arm {
    fn parse(value: &Value, path: &str) -> Result<Self, FieldError> {
        let fields = Fields::of(value, path)?;
        Ok(Self {
            ok: fields.required("ok", "true or false")?,
            score: limited(fields, "score", "a number from -1 to 1", |x| {
                (-1.0..=1.0).contains(&x)
            })?,
            cost_usd: cost(fields)?,
            latency_ms: limited(fields, "latency_ms", "0 or more milliseconds", |x| x >= 0.0)?,
            ttft_ms: limited(fields, "ttft_ms", "0 or more milliseconds", |x| x >= 0.0)?,
            input_tokens: tokens(fields, "input_tokens")?,
            output_tokens: tokens(fields, "output_tokens")?,
            checks: checks(fields)?,
        })
    }
}

/// Names that mean something else in a report or among the margins.
const TAKEN: [&str; 8] = [
    "quality",
    "quality_weighted",
    "stratum_quality",
    "score",
    "cost",
    "cost_ratio",
    "latency",
    "latency_p95_ratio",
];

fn checks(arm: Fields<'_>) -> Result<BTreeMap<String, bool>, FieldError> {
    let Some(value) = arm.value("checks") else {
        return Ok(BTreeMap::new());
    };
    let path = arm.name("checks");
    let fields = Fields::of(value, &path)?;
    let mut checks = BTreeMap::new();
    for (name, _) in fields.each() {
        if TAKEN.contains(&name) {
            return Err(FieldError::new(
                fields.name(name),
                "is the name of an endpoint; give the check another",
            ));
        }
        if let Some(passed) = fields.optional(name, "true or false")? {
            checks.insert(name.to_owned(), passed);
        }
    }
    Ok(checks)
}

fn limited(
    fields: Fields<'_>,
    key: &str,
    expected: &str,
    holds: fn(f64) -> bool,
) -> Result<Option<f64>, FieldError> {
    let value = fields.optional::<f64>(key, expected)?;
    match value {
        Some(x) if !holds(x) => Err(FieldError::new(
            fields.name(key),
            format!("must be {expected}, not {x}"),
        )),
        value => Ok(value),
    }
}

fn tokens(fields: Fields<'_>, key: &str) -> Result<Option<u64>, FieldError> {
    let whole = |x: f64| x >= 0.0 && x.fract() == 0.0 && x < 9e15;
    Ok(limited(fields, key, "a whole number, 0 or more", whole)?.map(|x| x as u64))
}

/// A cost as decimal text; a JSON number is taken by its digits.
fn cost(fields: Fields<'_>) -> Result<Option<Usd>, FieldError> {
    let Some(value) = fields.value("cost_usd") else {
        return Ok(None);
    };
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let amount = Decimal::from_str(&text).or_else(|_| Decimal::from_scientific(&text));
    match amount {
        Ok(amount) if !amount.is_sign_negative() || amount.is_zero() => Ok(Some(Usd(amount))),
        _ => Err(FieldError::new(
            fields.name("cost_usd"),
            format!("must be dollars as decimal text, not {value}"),
        )),
    }
}

fn not_json(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = text.split(" at line ").next().unwrap_or(&text);
    format!("not JSON: {what} at column {}", error.column())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"trace_id":"t1","arms":{"incumbent":{"ok":true},"candidate":{"ok":false}}}"#;

    #[test]
    fn every_field_but_ok_may_be_missing_or_null() {
        let full = r#"{"trace_id":"t2","stratum":"s","cluster":null,"arms":{"incumbent":{"ok":true,"score":null,
            "cost_usd":"0.00123","latency_ms":812.0,"ttft_ms":null,"input_tokens":310,"output_tokens":42,
            "checks":{"schema":true,"no_refusal":null}},"candidate":{"ok":false,"cost_usd":1e-5},"other":{}},"more":1}"#
            .replace('\n', " ");
        let pairs = parse_lines(&format!("{GOOD}\n\n{full}\n")).expect("two pairs");
        let incumbent = &pairs[1].arms.incumbent;
        assert_eq!(incumbent.tokens(), Some((310, 42)));
        assert_eq!(incumbent.checks, BTreeMap::from([("schema".to_owned(), true)]));
        assert_eq!(
            pairs[1].arms.candidate.cost_usd.map(|c| c.plain()),
            Some("0.00001".to_owned())
        );
        let text = serde_json::to_string(&pairs[1]).expect("JSON");
        assert_eq!(serde_json::from_str::<Pair>(&text).expect("a pair"), pairs[1]);
    }

    #[test]
    fn a_bad_line_is_named_with_its_field() {
        let arms = |incumbent: &str| {
            format!(r#"{{"trace_id":"t2","arms":{{"incumbent":{incumbent},"candidate":{{"ok":true}}}}}}"#)
        };
        let second = [
            "{not json".to_owned(),
            "[]".to_owned(),
            GOOD.to_owned(),
            r#"{"trace_id":"t2"}"#.to_owned(),
            r#"{"trace_id":7,"arms":{"incumbent":{"ok":true},"candidate":{"ok":true}}}"#.to_owned(),
            r#"{"trace_id":"t2","arms":{"incumbent":{"ok":true}}}"#.to_owned(),
            arms(r#"{"score":0.1}"#),
            arms(r#"{"ok":"yes"}"#),
            arms(r#"{"ok":true,"score":1.5}"#),
            arms(r#"{"ok":true,"score":NaN}"#),
            arms(r#"{"ok":true,"cost_usd":"-1"}"#),
            arms(r#"{"ok":true,"cost_usd":"cheap"}"#),
            arms(r#"{"ok":true,"latency_ms":-3}"#),
            arms(r#"{"ok":true,"input_tokens":1.5}"#),
            arms(r#"{"ok":true,"checks":{"schema":"passed"}}"#),
            arms(r#"{"ok":true,"checks":{"score":true}}"#),
        ];
        let told: Vec<String> = second
            .iter()
            .map(|line| {
                parse_lines(&format!("{GOOD}\n{line}\n"))
                    .expect_err(line)
                    .to_string()
            })
            .collect();
        insta::assert_snapshot!(told.join("\n"), @r#"
        line 2: not JSON: key must be a string at column 2
        line 2: must be an object, not a list
        line 2: `trace_id` "t1" was already used in line 1
        line 2: `arms` is missing; it must be an object with `incumbent` and `candidate`
        line 2: `trace_id` must be text, not 7
        line 2: `arms.candidate` is missing; both arms are needed
        line 2: `arms.incumbent.ok` is missing; it must be true or false
        line 2: `arms.incumbent.ok` must be true or false, not "yes"
        line 2: `arms.incumbent.score` must be a number from -1 to 1, not 1.5
        line 2: not JSON: expected value at column 57
        line 2: `arms.incumbent.cost_usd` must be dollars as decimal text, not "-1"
        line 2: `arms.incumbent.cost_usd` must be dollars as decimal text, not "cheap"
        line 2: `arms.incumbent.latency_ms` must be 0 or more milliseconds, not -3
        line 2: `arms.incumbent.input_tokens` must be a whole number, 0 or more, not 1.5
        line 2: `arms.incumbent.checks.schema` must be true or false, not "passed"
        line 2: `arms.incumbent.checks.score` is the name of an endpoint; give the check another
        "#);
        assert_eq!(parse_lines(" \n"), Err(PairsError::Empty));
    }
}

//! Deterministic checks of an answer, cheapest first; one file a check. Together they decide `ok`.
//!
//! To add one: a file with a function from [`Case`] to `Option<bool>` (none: does not apply), and its line in [`CHECKS`].

mod abstention;
mod arguments;
pub mod differs;
mod json;
mod json_schema;
mod language;
mod length;
mod new_personal_data;
mod number_of_calls;
pub mod own;
mod refusal;
mod secret_leak;
mod served_by;
mod tool_calls;
mod transport;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::recorded::RecordedAnswer;
use crate::{
    catalog::shadow::OwnCheck,
    ports::model::{Completion, ReplayInput, ToolCall},
};

/// Checks of which a single failure of the candidate is one too many.
pub const ZERO_TOLERANCE: [&str; 2] = ["new_personal_data", "secret_leak"];

/// An answer beside what it should have been.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The tools that should have been called; none where nothing is known of a right answer.
    pub expected: Option<&'a [ToolCall]>,
    /// The text that should have been answered, where somebody has said so.
    pub reference_text: Option<&'a str>,
    /// What was asked.
    pub input: &'a ReplayInput,
    /// What was answered in production.
    pub recorded: &'a RecordedAnswer,
    /// What came; none where nothing readable came.
    pub answer: Option<&'a Completion>,
}

/// What the checks say of one answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// Whether it is right: every check that decides, passed.
    pub ok: bool,
    /// Each check that applied; true passed.
    pub checks: BTreeMap<String, bool>,
}

struct Check {
    name: &'static str,
    /// Whether a failure makes the answer wrong, or is only shown.
    decides: bool,
    run: fn(&Case<'_>) -> Option<bool>,
}

const fn decides(name: &'static str, run: fn(&Case<'_>) -> Option<bool>) -> Check {
    Check {
        name,
        decides: true,
        run,
    }
}

const fn shown(name: &'static str, run: fn(&Case<'_>) -> Option<bool>) -> Check {
    Check {
        name,
        decides: false,
        run,
    }
}

/// Every built-in check, cheapest first.
const CHECKS: &[Check] = &[
    decides("transport", transport::check),
    decides("served_by", served_by::check),
    shown("no_refusal", refusal::check),
    decides("arguments", arguments::check),
    decides("abstention", abstention::check),
    decides("number_of_calls", number_of_calls::check),
    decides("tool_calls", tool_calls::check),
    decides("json", json::check),
    decides("json_schema", json_schema::check),
    shown("length", length::check),
    shown("language", language::check),
    shown("new_personal_data", new_personal_data::check),
    shown("secret_leak", secret_leak::check),
];

/// The names of all checks, as they stand in a plan.
#[must_use]
pub fn names(own: &[OwnCheck]) -> Vec<String> {
    let built_in = CHECKS.iter().map(|check| check.name.to_owned());
    built_in
        .chain(own.iter().map(|check| check.name.clone()))
        .collect()
}

/// The checks of a plan, ready to run.
#[derive(Debug, Default)]
pub struct Checks {
    own: Vec<own::Own>,
}

impl Checks {
    /// The built-in ones and a workflow's `own`.
    ///
    /// # Errors
    /// Which of them cannot run, and why.
    pub fn of(own: &[OwnCheck]) -> Result<Self, String> {
        let compiled = own
            .iter()
            .map(|check| own::Own::compile(check).map_err(|why| format!("the check {} {why}", check.name)));
        Ok(Self {
            own: compiled.collect::<Result<_, _>>()?,
        })
    }

    /// Runs every check on one answer.
    #[must_use]
    pub fn judge(&self, case: &Case<'_>) -> Judgement {
        let built_in = CHECKS
            .iter()
            .map(|check| (check.name, check.decides, (check.run)(case)));
        let own = self
            .own
            .iter()
            .map(|check| (check.name.as_str(), check.decides, check.run(case)));
        let mut judgement = Judgement {
            ok: true,
            checks: BTreeMap::new(),
        };
        for (name, decides, passed) in built_in.chain(own) {
            let Some(passed) = passed else { continue };
            judgement.ok &= passed || !decides;
            judgement.checks.insert(name.to_owned(), passed);
        }
        judgement
    }
}

impl Checks {
    /// Only whether a whole answer came: all that can be said where contents were not kept.
    #[must_use]
    pub fn transport(&self, answer: Option<&Completion>) -> Judgement {
        let ok = transport::is_whole(answer);
        Judgement {
            ok,
            checks: BTreeMap::from([("transport".to_owned(), ok)]),
        }
    }
}

/// A call with its arguments in canonical form (RFC 8785: keys sorted, `5.0` and `5` the same number); none if they are no JSON object.
fn canonical(call: &ToolCall) -> Option<(String, Vec<u8>)> {
    let mut arguments: Map<String, Value> = serde_json::from_str(&call.arguments).ok()?;
    arguments.values_mut().for_each(as_numbers);
    let bytes = crate::values::digest::canonical_json(&arguments).ok()?;
    Some((call.name.clone(), bytes))
}

/// RFC 8785 writes every number as a double; whole numbers that serde kept apart (5 and 5.0) become the same.
fn as_numbers(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(double) = number.as_f64().and_then(serde_json::Number::from_f64) {
                *number = double;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(as_numbers),
        Value::Object(fields) => fields.values_mut().for_each(as_numbers),
        _ => {}
    }
}

#[cfg(test)]
mod tests;

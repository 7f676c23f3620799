//! The file forms of `governor allocate`, `variance`, `reconcile` and `forecast`: JSON in, JSON out.

mod allocate;
mod forecast;
mod node;
mod reconcile;
mod variance;

pub use allocate::allocate;
pub use forecast::forecast;
pub use node::FileError;
pub use reconcile::reconcile;
pub use variance::variance;

use node::Node;
use serde_json::{Map, Value, json};

/// How one case of a group is answered.
type Answer = fn(&Node<'_>) -> Result<Value, FileError>;

/// Answers each group of `names` that the file has: one `{"id", "result"}` a case.
fn groups(text: &str, names: &[(&str, Answer)]) -> Result<Value, FileError> {
    let top = Node::read(text)?;
    let mut answers = Map::new();
    for (name, answer) in names {
        let Some(cases) = top.optional(name)? else {
            continue;
        };
        let mut results = Vec::new();
        for case in cases.list()? {
            results.push(json!({"id": case.field("id")?.text()?, "result": answer(&case)?}));
        }
        answers.insert((*name).to_owned(), Value::Array(results));
    }
    if answers.is_empty() {
        let expected: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
        return Err(top.wrong(&format!(
            "an object with a list under `{}`",
            expected.join("` or `")
        )));
    }
    Ok(Value::Object(answers))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::{load, text};

    fn same(name: &str, answer: fn(&str) -> Result<Value, FileError>) {
        let Some(input) = text(&format!("cli/finance/{name}.input.json")) else {
            return;
        };
        let expected = load(&format!("cli/finance/{name}.expected.json")).unwrap();
        assert_eq!(answer(&input).unwrap(), expected, "{name}");
    }

    #[test]
    fn the_finance_commands_reproduce_their_known_answers() {
        same("allocate", allocate);
        same("variance", variance);
        same("reconcile", reconcile);
    }

    #[test]
    fn every_case_of_the_finance_vectors_is_reproduced() {
        let Some(cases) = load("finance.json") else { return };
        let input = cases.to_string();
        for answer in [allocate(&input), variance(&input), reconcile(&input)] {
            for (group, results) in answer.unwrap().as_object().unwrap() {
                for (case, result) in cases[group]
                    .as_array()
                    .unwrap()
                    .iter()
                    .zip(results.as_array().unwrap())
                {
                    assert_eq!(result["result"], case["expected"], "{}", case["id"]);
                }
            }
        }
    }

    #[test]
    fn forecasts_agree_with_the_known_answers_to_a_millionth() {
        let Some(input) = text("cli/forecast/input.json") else {
            return;
        };
        let expected = load("cli/forecast/expected.json").unwrap();
        let answer = forecast(&input).unwrap();
        for (case, answer) in expected["cases"]
            .as_array()
            .unwrap()
            .iter()
            .zip(answer["cases"].as_array().unwrap())
        {
            for key in [
                "dow_log_factors",
                "level",
                "trend",
                "forecast",
                "total",
                "interval80",
                "anomalies",
            ] {
                close(&answer[key], &case[key], key);
            }
        }
    }

    #[test]
    fn a_route_change_that_is_known_rescales_the_days_before_it() {
        let Some(vectors) = load("forecast.json") else {
            return;
        };
        for case in vectors["cases"].as_array().unwrap() {
            let input = serde_json::json!({"cases": [{"id": "x", "daily": case["daily"],
                "known_changes": case["known_changes"], "horizon": case["forecast"].as_array().unwrap().len()}]});
            let answer = &forecast(&input.to_string()).unwrap()["cases"][0];
            for (key, name) in [
                ("level", "level"),
                ("trend", "trend"),
                ("forecast", "forecast"),
                ("total", "sum"),
            ] {
                close(&answer[key], &case[name], key);
            }
        }
    }

    fn close(a: &Value, b: &Value, what: &str) {
        match (a, b) {
            (Value::Array(a), Value::Array(b)) => {
                assert_eq!(a.len(), b.len(), "{what}: {a:?} {b:?}");
                a.iter().zip(b).for_each(|(a, b)| close(a, b, what));
            }
            (Value::Object(a), Value::Object(b)) => b.iter().for_each(|(key, b)| close(&a[key], b, key)),
            (Value::Number(a), Value::Number(b)) => {
                let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
                assert!(
                    (a - b).abs() <= 1e-6 * b.abs().max(1e-9),
                    "{what}: {a} is not {b}"
                );
            }
            _ => assert_eq!(a, b, "{what}"),
        }
    }

    #[test]
    fn bad_input_names_the_line_and_the_field() {
        let error = |answer: Result<Value, FileError>| answer.unwrap_err().to_string();
        insta::assert_snapshot!(error(allocate("{\n \"allocation\": [\n  {\"id\": \"a\", \"total_minor\": 5, \"weights\": [[\"x\", \"0\"]]}]}")),
            @"line 3: `allocation[0].weights` must be weights of at least 0 with a sum above 0");
        insta::assert_snapshot!(error(allocate("{\"allocation\": [{\"id\": \"a\", \"total_minor\": 1.5}]}")),
            @"line 1: `allocation[0].total_minor` must be a whole number");
        insta::assert_snapshot!(error(variance("{\"pvm\": [{\"id\": \"a\", \"rows\": [[\"x\", \"1\", null, \"2\", \"3\"]]}]}")),
            @"line 1: `pvm[0].rows[0][2]` must be the price of a line that has a quantity");
        insta::assert_snapshot!(error(reconcile("{\"reconciliation\": [{\"id\": \"a\", \"invoice\": [[\"m\", \"t\", \"ten\"]]}]}")),
            @"line 1: `reconciliation[0].invoice[0][2]` must be a decimal number");
        insta::assert_snapshot!(error(reconcile("[1,")), @"line 1: not JSON: EOF while parsing a value at line 1 column 3");
        insta::assert_snapshot!(error(reconcile("{}")), @"line 1: the file must be an object with a list under `reconciliation`");
        insta::assert_snapshot!(error(forecast("{\"cases\": [{\"id\": \"a\", \"daily\": []}]}")),
            @"line 1: `cases[0].daily` must be a list of at least one amount");
    }
}

//! What would change between two catalogs, part by part.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::Catalog;

/// One part that differs. `before` is null where it is new, `after` where it goes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// The part, rows by their own names (`workflows.support-answer.route`).
    pub path: String,
    /// What happens to it.
    pub kind: DifferenceKind,
    /// What it was.
    pub before: Value,
    /// What it would be.
    pub after: Value,
}

/// What happens to a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DifferenceKind {
    /// It is new.
    Added,
    /// It goes.
    Removed,
    /// It says something else.
    Changed,
}

/// The fields that name a row of each list; of those for budgets a row has one.
const NAMES: [(&str, &[&str]); 10] = [
    ("vendors", &["provider"]),
    ("facts", &["name"]),
    ("models", &["provider", "id"]),
    ("fallbacks", &["provider", "model", "region"]),
    ("mapping", &["name"]),
    ("prices", &["provider", "model", "kind", "from"]),
    ("budgets", &["workflow", "cost_center"]),
    ("tiers", &["tier"]),
    ("slots", &["role"]),
    ("policy", &["role"]),
];

/// Lists whose order means something.
const ORDERED: [&str; 3] = ["mapping", "data_classes", "fallbacks"];

/// Everything that differs from `before` to `after`, in the order of the file. Who edited what, and when, does not count.
#[must_use]
pub fn diff(before: &Catalog, after: &Catalog) -> Vec<Difference> {
    let value = |catalog: &Catalog| serde_json::to_value(catalog.unstamped()).unwrap_or_default();
    let mut out = Vec::new();
    compare("", &value(before), &value(after), &mut out);
    out
}

fn compare(path: &str, before: &Value, after: &Value, out: &mut Vec<Difference>) {
    match (before, after) {
        _ if before == after => {}
        (Value::Object(old), Value::Object(new)) => {
            let names = new
                .keys()
                .chain(old.keys().filter(|name| !new.contains_key(*name)));
            for name in names {
                let here = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                let part = |all: &serde_json::Map<String, Value>| all.get(name).cloned().unwrap_or_default();
                compare(&here, &part(old), &part(new), out);
            }
        }
        (Value::Array(old), Value::Array(new)) if rows(old) && rows(new) => list(path, old, new, out),
        _ => out.push(difference(path, before.clone(), after.clone())),
    }
}

fn list(path: &str, old: &[Value], new: &[Value], out: &mut Vec<Difference>) {
    let list = path.rsplit('.').next().unwrap_or(path);
    let old: Vec<(String, &Value)> = old.iter().map(|row| (name(list, row), row)).collect();
    let new: Vec<(String, &Value)> = new.iter().map(|row| (name(list, row), row)).collect();
    let find = |rows: &[(String, &Value)], name: &str| {
        let row = rows.iter().find(|(known, _)| known == name);
        row.map(|(_, row)| (*row).clone()).unwrap_or_default()
    };
    for (name, row) in &new {
        compare(&format!("{path}.{name}"), &find(&old, name), row, out);
    }
    for (name, row) in old.iter().filter(|(name, _)| find(&new, name).is_null()) {
        out.push(difference(&format!("{path}.{name}"), (*row).clone(), Value::Null));
    }
    if ORDERED.contains(&list) {
        order(path, &old, &new, out);
    }
}

/// A different order of the rows that both have.
fn order(path: &str, old: &[(String, &Value)], new: &[(String, &Value)], out: &mut Vec<Difference>) {
    let common = |rows: &[(String, &Value)], others: &[(String, &Value)]| -> Vec<Value> {
        let names = rows.iter().map(|(name, _)| name);
        let kept = names.filter(|name| others.iter().any(|(other, _)| other == *name));
        kept.map(|name| Value::from(name.as_str())).collect()
    };
    let (before, after) = (common(old, new), common(new, old));
    if before != after {
        out.push(difference(
            &format!("{path} (order)"),
            Value::Array(before),
            Value::Array(after),
        ));
    }
}

fn difference(path: &str, before: Value, after: Value) -> Difference {
    let kind = match (before.is_null(), after.is_null()) {
        (true, _) => DifferenceKind::Added,
        (_, true) => DifferenceKind::Removed,
        _ => DifferenceKind::Changed,
    };
    Difference {
        path: path.to_owned(),
        kind,
        before,
        after,
    }
}

/// Whether the list is one of tables.
fn rows(list: &[Value]) -> bool {
    list.iter().all(Value::is_object)
}

/// What a row of `list` is called.
fn name(list: &str, row: &Value) -> String {
    let fields = NAMES
        .iter()
        .find(|(known, _)| *known == list)
        .map(|(_, fields)| *fields);
    let fields = fields.unwrap_or(&["id"]);
    let parts: Vec<_> = fields
        .iter()
        .filter_map(|field| row.get(*field)?.as_str())
        .collect();
    parts.join("/")
}

impl fmt::Display for Difference {
    /// `~ workflows.support-answer.route: "gpt-4o-0513" → "gpt-4o-0806"`; a row that comes or goes by its name alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, one) = match self.kind {
            DifferenceKind::Added => ('+', &self.after),
            DifferenceKind::Removed => ('-', &self.before),
            DifferenceKind::Changed => return write!(f, "~ {}: {} → {}", self.path, self.before, self.after),
        };
        write!(f, "{sign} {}", self.path)?;
        match one {
            Value::Object(_) => Ok(()),
            value => write!(f, ": {value}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::sample::sample;

    #[test]
    fn a_catalog_does_not_differ_from_itself_whoever_applied_it() {
        let mut stamped = sample();
        stamped.policy.last_editor = Some("ana".into());
        stamped.workflows[0].last_editor = Some("ana".into());
        assert_eq!(diff(&sample(), &stamped), []);
    }

    #[test]
    fn each_part_that_differs_is_named_with_before_and_after() {
        let mut after = sample();
        after.workflows[0].route = "gpt-4o-0806".to_owned();
        after.workflows[0].latency_p95_ms = None;
        after.people.remove(2);
        after.people.swap(0, 1);
        after.groups[0].members = vec!["ana".into()];
        after.vendors[0].facts[1].value = "0".to_owned();
        after.mapping.swap(2, 3);
        after.budgets[0].monthly_usd = crate::values::Usd(30_000.into());
        after.policy.allowed_providers = vec!["openai".to_owned()];
        after.models.remove(4);
        after.approval.tiers[2].slots[0].needed = 1;
        after.prices[0].from = "2026-01-01".parse().unwrap();
        let lines: Vec<_> = diff(&sample(), &after).iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(lines.join("\n"), @r#"
            - people.jonas
            ~ groups.platform-approvers.members: ["ana","jonas"] → ["ana"]
            ~ vendors.openai.facts.retention_days.value: "30" → "0"
            - models.azure.ai.openai/gpt-4o-mini-2024-07-18
            ~ workflows.support-answer.route: "gpt-4o-0513" → "gpt-4o-0806"
            - workflows.support-answer.latency_p95_ms: 12000
            ~ mapping (order): ["tag","span","support-alias","claims-alias"] → ["tag","span","claims-alias","support-alias"]
            + prices.openai/gpt-4-turbo-2024-04-09/override/2026-01-01
            - prices.openai/gpt-4-turbo-2024-04-09/override/2024-04-09
            ~ budgets.support-answer.monthly_usd: "25000" → "30000"
            ~ policy.allowed_providers: ["openai","azure.ai.openai","anthropic"] → ["openai"]
            ~ approval.tiers.critical.slots.platform.needed: 2 → 1
            "#);
    }

    #[test]
    fn every_row_of_the_example_has_a_name_of_its_own() {
        let value = serde_json::to_value(sample()).unwrap();
        for (list, rows) in value.as_object().unwrap() {
            let Some(rows) = rows.as_array() else { continue };
            let names: std::collections::BTreeSet<_> = rows.iter().map(|row| name(list, row)).collect();
            assert_eq!(names.len(), rows.len(), "{list}: {names:?}");
            assert!(!names.contains(""), "{list}");
        }
    }
}

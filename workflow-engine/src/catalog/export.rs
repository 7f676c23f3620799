//! Writes a catalog as a commented file that loads back to the same catalog.

use std::fmt::Write as _;

use serde_json::Value;

use super::{
    Catalog,
    schema::{CATALOG, Field, Kind, Table},
};

/// The catalog as TOML, each field explained where it first appears. Who edited it last is left out: applying fills it in.
#[must_use]
pub fn export(catalog: &Catalog) -> String {
    // A catalog is made of text, numbers and lists, which always have a JSON form.
    let value = serde_json::to_value(catalog).unwrap_or_default();
    let mut out = String::from(
        "# The catalog as it holds now. Check changes with `governor catalog diff`, make them with `apply`.\n",
    );
    for field in CATALOG.fields {
        match (&field.kind, value.get(field.name)) {
            (Kind::Rows(table), Some(Value::Array(rows))) if !rows.is_empty() => {
                let _ = write!(out, "\n# {}\n", field.doc);
                array(&mut out, field.name, rows, table);
            }
            (Kind::One(table), Some(Value::Object(_))) => {
                let _ = write!(out, "\n# {}\n[{}]\n", field.doc, field.name);
                body(&mut out, field.name, &value[field.name], table, true);
            }
            _ => {}
        }
    }
    out
}

/// A list of tables, each under its own heading.
fn array(out: &mut String, path: &str, rows: &[Value], table: &'static Table) {
    for (index, row) in rows.iter().enumerate() {
        let gap = if index == 0 { "" } else { "\n" };
        let _ = writeln!(out, "{gap}[[{path}]]");
        body(out, path, row, table, index == 0);
    }
}

/// The fields of a table, plain ones first: what has a heading of its own must come last in TOML.
fn body(out: &mut String, path: &str, row: &Value, table: &'static Table, explain: bool) {
    let given = |field: &&Field| row.get(field.name).is_some_and(|value| !is_empty(value));
    let plain = |field: &&Field| !matches!(field.kind, Kind::Rows(_));
    for field in table.fields.iter().filter(given).filter(plain) {
        if explain {
            let _ = writeln!(out, "# {}", field.doc);
        }
        let _ = writeln!(out, "{} = {}", field.name, inline(&row[field.name], &field.kind));
    }
    if let (Some(kind), Value::Object(all)) = (&table.rest, row) {
        for (name, value) in all {
            if !table.fields.iter().any(|field| field.name == name) {
                let _ = writeln!(out, "{} = {}", key(name), inline(value, kind));
            }
        }
    }
    for field in table.fields.iter().filter(given) {
        if let (Kind::Rows(inner), Some(Value::Array(rows))) = (&field.kind, row.get(field.name)) {
            out.push('\n');
            array(out, &format!("{path}.{}", field.name), rows, inner);
        }
    }
}

/// A value on one line.
fn inline(value: &Value, kind: &Kind) -> String {
    match (kind, value) {
        (Kind::Day, Value::String(day)) => day.clone(),
        (Kind::Number(..), Value::Number(number)) => number.as_f64().map(float).unwrap_or_default(),
        (Kind::List(each), Value::Array(items)) => {
            let items: Vec<_> = items.iter().map(|item| inline(item, each)).collect();
            format!("[{}]", items.join(", "))
        }
        (Kind::Map(each), Value::Object(all)) => {
            pairs(all.iter().map(|(name, value)| (name, inline(value, each))))
        }
        (Kind::One(table), Value::Object(all)) => {
            let known = table.fields.iter().map(|field| (field.name, &field.kind));
            let read = |name: &str| {
                known
                    .clone()
                    .find(|(known, _)| *known == name)
                    .map(|(_, kind)| kind)
            };
            let kept = all.iter().filter(|(_, value)| !is_empty(value));
            pairs(kept.filter_map(|(name, value)| {
                let kind = read(name).or(table.rest.as_ref())?;
                Some((name, inline(value, kind)))
            }))
        }
        (Kind::Rules, Value::String(text)) if !text.contains("'''") => format!("'''\n{text}'''"),
        (_, Value::String(text)) => quoted(text),
        (_, other) => other.to_string(),
    }
}

fn pairs<'a>(pairs: impl Iterator<Item = (&'a String, String)>) -> String {
    let pairs: Vec<_> = pairs
        .map(|(name, value)| format!("{} = {value}", key(name)))
        .collect();
    format!("{{ {} }}", pairs.join(", "))
}

/// The shortest text that reads back as the same number, with a point so that it stays a float.
fn float(number: f64) -> String {
    format!("{number:?}")
}

fn key(name: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    match !name.is_empty() && name.bytes().all(bare) {
        true => name.to_owned(),
        false => quoted(name),
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            control if control.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// Whether leaving it out says the same.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(all) => all.values().all(is_empty),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        catalog::{load, sample::sample},
        values::Usd,
    };

    #[test]
    fn the_example_is_exported_and_loads_back_as_it_was() {
        let text = export(&sample());
        assert_eq!(load("export.toml", &text), Ok(sample()), "{text}");
    }

    #[test]
    fn an_export_explains_each_field_where_it_first_appears() {
        let text = export(&sample());
        let start = text.find("# Where money").unwrap();
        let end = start + text[start..].find("# The ladder").unwrap();
        insta::assert_snapshot!(&text[start..end], @r#"
            # Where money is charged to.
            [[cost_centers]]
            # As finance writes it.
            id = "CC-4100"
            # Shown to finance.
            name = "Customer service"
            # Who answers for it.
            owner = "lena"

            [[cost_centers]]
            id = "CC-5200"
            name = "Claims"
            owner = "lena"
            "#);
    }

    #[test]
    fn every_field_of_the_types_is_in_the_schema() {
        let mut catalog = sample();
        for workflow in &mut catalog.workflows {
            workflow
                .margins
                .get_or_insert_default()
                .checks
                .insert("schema".to_owned(), 0.01);
        }
        let text = export(&catalog);
        let back = load("export.toml", &text).unwrap_or_else(|faults| panic!("{faults}\n{text}"));
        assert_eq!(back, catalog);
        assert_eq!(
            load("export.toml", &export(&Catalog::default())),
            Ok(Catalog::default())
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn whatever_the_catalog_holds_it_loads_back_the_same(
            name in "[a-zÄ名]\\PC{0,20}[\\n\\t\"\\\\]?",
            margin in 0.000_001_f64..1.0,
            money in 0_i64..i64::MAX,
            scale in 0_u32..12,
            flag in any::<bool>(),
            days in 0_i64..3_650,
            check in "[a-z_. ]{1,8}",
            parameters in prop::collection::btree_map("\\PC{0,8}", "[a-z0-9.]{1,6}", 0..3),
        ) {
            let mut catalog = sample();
            catalog.company.name.clone_from(&name);
            catalog.people[0].name = name;
            catalog.people[1].inactive = flag;
            catalog.groups[0].members = vec!["jonas".into()];
            catalog.approval.tiers.pop();
            catalog.approval.apply_when_approved = flag;
            catalog.workflows[0].risk = crate::catalog::RiskTier::Low;
            catalog.workflows[1].risk = crate::catalog::RiskTier::Standard;
            let margins = catalog.workflows[0].margins.get_or_insert_default();
            margins.quality = margin;
            margins.stratum_quality = 1.0;
            if !["quality", "stratum_quality", "latency_p95_ratio", "cost_ratio"].contains(&check.as_str()) {
                margins.checks.insert(check, margin);
            }
            catalog.workflows[0].latency_p95_ms = flag.then_some(900);
            catalog.policy.shadow_budget_usd = Usd(rust_decimal::Decimal::new(money, scale).normalize());
            catalog.policy.editor_barred_days = days;
            catalog.routes[0].parameters = parameters;
            catalog.models[0].retires = flag.then(|| "2027-04-30".parse().unwrap());
            let text = export(&catalog);
            prop_assert_eq!(load("export.toml", &text), Ok(catalog), "{}", text);
        }
    }
}

//! Vendors' facts and data classes: values that the controls can read.

use super::Notes;
use crate::catalog::{Catalog, Fact};

/// Facts that the controls read by name; any other name is a certification.
const NAMED: [&str; 5] = [
    "retention_days",
    "zero_data_retention",
    "training_use",
    "residency",
    "contract",
];

pub(super) fn check(catalog: &Catalog, notes: &mut Notes<'_>) {
    for (index, vendor) in catalog.vendors.iter().enumerate() {
        for (number, fact) in vendor.facts.iter().enumerate() {
            self::fact(&format!("vendors[{index}].facts[{number}]"), fact, catalog, notes);
        }
    }
    models(catalog, notes);
    let regions = catalog.regions();
    if regions.len() > 120 {
        notes.add(
            "routes",
            format!(
                "{} different regions; at most 120 can be told apart",
                regions.len()
            ),
        );
    }
}

fn fact(path: &str, fact: &Fact, catalog: &Catalog, notes: &mut Notes<'_>) {
    let value = format!("{path}.value");
    match fact.name.as_str() {
        "retention_days" if fact.value.parse::<u32>().is_err() => {
            notes.add(
                &value,
                format!("must be a number of days such as \"30\", not \"{}\"", fact.value),
            );
        }
        "zero_data_retention" if fact.value.parse::<bool>().is_err() => {
            notes.add(
                &value,
                format!("must be \"true\" or \"false\", not \"{}\"", fact.value),
            );
        }
        "training_use" if !matches!(fact.value.as_str(), "none" | "opt_in" | "always") => {
            notes.add(
                &value,
                format!(
                    "must be \"none\", \"opt_in\" or \"always\", not \"{}\"",
                    fact.value
                ),
            );
        }
        "contract" if !matches!(fact.value.as_str(), "signed" | "none") => {
            notes.add(
                &value,
                format!("must be \"signed\" or \"none\", not \"{}\"", fact.value),
            );
        }
        name if !NAMED.contains(&name) => certification(path, fact, catalog, notes),
        _ => {}
    }
    if fact.expires < fact.as_of {
        notes.add(
            &format!("{path}.expires"),
            format!("{} is before as_of, {}", fact.expires, fact.as_of),
        );
    }
}

/// A name that is neither a fact nor a certification that some class asks for, but looks like one, is a slip.
fn certification(path: &str, fact: &Fact, catalog: &Catalog, notes: &mut Notes<'_>) {
    let asked = catalog
        .data_classes
        .iter()
        .flat_map(|class| &class.certifications);
    let known: Vec<&str> = NAMED.into_iter().chain(asked.map(String::as_str)).collect();
    if known.contains(&fact.name.as_str()) {
        return;
    }
    if let Some(near) = super::nearest(&fact.name, known.iter().copied()) {
        let what = format!("no control and no data class asks for \"{}\"", fact.name);
        notes.unknown(&format!("{path}.name"), what, &fact.name, [near]);
    }
}

fn models(catalog: &Catalog, notes: &mut Notes<'_>) {
    let mut seen = std::collections::BTreeMap::new();
    for (index, model) in catalog.models.iter().enumerate() {
        let path = format!("models[{index}].id");
        if let Some(first) = seen.insert((&model.provider, &model.id), path.clone()) {
            let line = notes.spots.line(&first);
            notes.add(
                &path,
                format!(
                    "\"{}\" of {} is there already, on line {line}",
                    model.id, model.provider
                ),
            );
        }
    }
}

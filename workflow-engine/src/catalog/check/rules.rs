//! The organisation's own rules, strictly checked, and the governance controls that rules and decisions cite.

use super::{Notes, nearest};
use crate::{
    catalog::{Catalog, CatalogFault},
    policy::cedar::rules::OwnRules,
};

pub(super) fn check(catalog: &Catalog, notes: &mut Notes<'_>) {
    match OwnRules::parse(&catalog.policy.rules) {
        Ok(rules) => cited(&rules, catalog, notes),
        Err(faults) => {
            let (line, column) = notes.spots.text("policy.rules");
            notes.faults.extend(faults.into_iter().map(|fault| CatalogFault {
                line: line + fault.line - 1,
                column: if fault.line == 1 {
                    column + fault.column - 1
                } else {
                    fault.column
                },
                path: "policy.rules".to_owned(),
                what: fault.sentence(),
                nearest: fault.nearest,
            }));
        }
    }
}

/// Controls that a rule cites and nobody knows.
fn cited(rules: &OwnRules, catalog: &Catalog, notes: &mut Notes<'_>) {
    let known: Vec<&str> = catalog
        .governance()
        .iter()
        .map(|control| control.id.as_str())
        .collect();
    for rule in rules.all() {
        for id in rule.controls.iter().filter(|id| !known.contains(&id.as_str())) {
            let what = format!("rule \"{}\": no control \"{id}\"", rule.id);
            notes.add("policy.rules", what);
            if let Some(fault) = notes.faults.last_mut() {
                fault.nearest = nearest(id, known.iter().copied()).map(str::to_owned);
            }
        }
    }
}

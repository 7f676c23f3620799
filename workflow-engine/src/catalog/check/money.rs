//! Budgets and price overrides: one limit for one thing, one price for one day.

use std::collections::BTreeMap;

use super::Notes;
use crate::catalog::Catalog;

pub(super) fn check(catalog: &Catalog, notes: &mut Notes<'_>) {
    budgets(catalog, notes);
    prices(catalog, notes);
    let policy = &catalog.policy;
    if policy.shadow_min_pairs > policy.shadow_max_pairs {
        let what = format!(
            "{} is more than shadow_max_pairs, {}",
            policy.shadow_min_pairs, policy.shadow_max_pairs
        );
        notes.add("policy.shadow_min_pairs", what);
    }
}

fn budgets(catalog: &Catalog, notes: &mut Notes<'_>) {
    let mut held = Vec::new();
    for (index, budget) in catalog.budgets.iter().enumerate() {
        let path = format!("budgets[{index}]");
        match (&budget.workflow, &budget.cost_center) {
            (Some(workflow), None) => held.push((path.clone(), format!("workflow {workflow}"))),
            (None, Some(center)) => held.push((path.clone(), format!("cost centre {center}"))),
            (Some(_), Some(_)) => notes.add(
                &path,
                "holds for a workflow or a cost centre, not for both".to_owned(),
            ),
            (None, None) => notes.add(&path, "must name a workflow or a cost_center".to_owned()),
        }
        if budget.monthly_usd.0.is_zero() {
            notes.add(
                &format!("{path}.monthly_usd"),
                "must be above 0; leave the budget out for no limit".to_owned(),
            );
        }
    }
    notes.doubles(
        held.iter().map(|(path, thing)| (path.clone(), thing.as_str())),
        "one limit for one thing",
    );
}

fn prices(catalog: &Catalog, notes: &mut Notes<'_>) {
    let mut known = BTreeMap::<_, Vec<usize>>::new();
    for (index, price) in catalog.prices.iter().enumerate() {
        let path = format!("prices[{index}]");
        if let Some(until) = price.until.filter(|until| *until < price.from) {
            notes.add(
                &format!("{path}.until"),
                format!("{until} is before from, {}", price.from),
            );
        }
        if price.prices.is_empty() {
            notes.add(
                &path,
                "names no price; give at least input_cost_per_token or another key".to_owned(),
            );
        }
        let same = known
            .entry((&price.provider, &price.model, &price.kind))
            .or_default();
        for other in same.iter().map(|other| (*other, &catalog.prices[*other])) {
            let ends_before = other.1.until.is_some_and(|until| until < price.from);
            let begins_after = price.until.is_some_and(|until| until < other.1.from);
            if !ends_before && !begins_after {
                let line = notes.spots.line(&format!("prices[{}]", other.0));
                let what = format!(
                    "overlaps the {} on line {line}; end the older one the day before",
                    price.kind
                );
                notes.add(&format!("{path}.from"), what);
            }
        }
        same.push(index);
    }
}

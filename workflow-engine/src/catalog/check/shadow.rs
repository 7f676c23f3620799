//! Tests: within the policy, with checks and patterns that can run, waived by security alone.

use super::Notes;
use crate::{
    catalog::{Catalog, Workflow, shadow::CheckKind},
    shadow::checks::own,
    values::Role,
};

pub(super) fn check(catalog: &Catalog, notes: &mut Notes<'_>) {
    for (index, workflow) in catalog.workflows.iter().enumerate() {
        let path = format!("workflows[{index}].shadow");
        within_policy(&path, workflow, catalog, notes);
        patterns(&path, workflow, notes);
        checks(&path, workflow, notes);
        waivers(&path, workflow, catalog, notes);
    }
}

fn within_policy(path: &str, workflow: &Workflow, catalog: &Catalog, notes: &mut Notes<'_>) {
    let (own, policy) = (&workflow.shadow, &catalog.policy);
    if let Some(budget) = own.budget_usd.filter(|budget| *budget > policy.shadow_budget_usd) {
        let what = format!(
            "{budget} is more than policy.shadow_budget_usd, {}; a workflow may only narrow it",
            policy.shadow_budget_usd
        );
        notes.add(&format!("{path}.budget_usd"), what);
    }
    if let Some(pairs) = own.max_pairs.filter(|pairs| *pairs > policy.shadow_max_pairs) {
        let what = format!(
            "{pairs} is more than policy.shadow_max_pairs, {}; a workflow may only narrow it",
            policy.shadow_max_pairs
        );
        notes.add(&format!("{path}.max_pairs"), what);
    }
}

fn patterns(path: &str, workflow: &Workflow, notes: &mut Notes<'_>) {
    let own = &workflow.shadow;
    for (field, patterns) in [("names", &own.names), ("time_dependent", &own.time_dependent)] {
        for (number, pattern) in patterns.iter().enumerate() {
            if let Err(error) = regex::Regex::new(pattern) {
                notes.add(
                    &format!("{path}.{field}[{number}]"),
                    format!("is no regular expression: {}", own::last_line(&error.to_string())),
                );
            }
        }
    }
}

fn checks(path: &str, workflow: &Workflow, notes: &mut Notes<'_>) {
    for (number, check) in workflow.shadow.checks.iter().enumerate() {
        let path = format!("{path}.checks[{number}]");
        if own::is_taken(&check.name) {
            let what = format!(
                "\"{}\" is the name of a built-in check or figure; choose another",
                check.name
            );
            notes.add(&format!("{path}.name"), what);
        }
        if check.equals.is_some() && check.kind != CheckKind::Path {
            notes.add(&format!("{path}.equals"), "belongs to kind = \"path\"".to_owned());
        }
        if let Err(why) = own::Own::compile(check) {
            notes.add(&format!("{path}.value"), why);
        }
    }
}

fn waivers(path: &str, workflow: &Workflow, catalog: &Catalog, notes: &mut Notes<'_>) {
    for (number, waiver) in workflow.shadow.waivers.iter().enumerate() {
        let answers = catalog
            .groups
            .iter()
            .any(|group| group.role == Role::Security && group.members.contains(&waiver.by));
        if !answers {
            let what = format!(
                "{} is in no security group; only security may let findings pass",
                waiver.by
            );
            notes.add(&format!("{path}.waivers[{number}].by"), what);
        }
    }
}

//! Workflows: regions within their data class, sensible kinds of request, mapping rules that can match.

use super::Notes;
use crate::{
    catalog::{Catalog, MappingRule, Workflow},
    policy::change::POLICY,
};

pub(super) fn check(catalog: &Catalog, notes: &mut Notes<'_>) {
    for (index, workflow) in catalog.workflows.iter().enumerate() {
        let path = format!("workflows[{index}]");
        if workflow.id.as_str() == POLICY {
            let what =
                format!("\"{POLICY}\" is the name under which the policy itself is changed; choose another");
            notes.add(&format!("{path}.id"), what);
        }
        regions(&path, workflow, catalog, notes);
        strata(&path, workflow, notes);
        if !workflow.candidates.is_empty() && !workflow.candidates.contains(&workflow.route) {
            notes.add(
                &format!("{path}.candidates"),
                format!("leaves out \"{}\", which serves it today", workflow.route),
            );
        }
    }
    let aliases = catalog.workflows.iter().enumerate();
    let aliases: Vec<_> = aliases
        .map(|(index, workflow)| {
            (
                format!("workflows[{index}].alias"),
                format!("{} on {}", workflow.alias, workflow.gateway),
            )
        })
        .collect();
    notes.doubles(
        aliases.iter().map(|(path, alias)| (path.clone(), alias.as_str())),
        "a gateway cannot route one name two ways",
    );
    for (index, rule) in catalog.mapping.iter().enumerate() {
        mapping(&format!("mapping[{index}]"), rule, catalog, notes);
    }
}

fn regions(path: &str, workflow: &Workflow, catalog: &Catalog, notes: &mut Notes<'_>) {
    let class = catalog
        .data_classes
        .iter()
        .find(|class| class.id == workflow.data_class);
    let Some(class) = class.filter(|class| !class.regions.is_empty()) else {
        return;
    };
    for (number, region) in workflow.regions.iter().enumerate() {
        if !class.regions.contains(region) {
            let what = format!(
                "data class {} may be processed in {} only, not in {region}",
                class.id,
                class.regions.join(", ")
            );
            let known = class.regions.iter().map(String::as_str);
            notes.unknown(&format!("{path}.regions[{number}]"), what, region, known);
        }
    }
}

fn strata(path: &str, workflow: &Workflow, notes: &mut Notes<'_>) {
    let weights = &workflow.strata.weights;
    let sum: f64 = weights.values().sum();
    if !weights.is_empty() && (sum - 1.0).abs() > 0.005 {
        let what = format!("sum to {sum:.3}; shares of production must sum to 1");
        notes.add(&format!("{path}.strata.weights"), what);
    }
    for (number, kind) in workflow.strata.immaterial.iter().enumerate() {
        if !weights.is_empty() && !weights.contains_key(kind) {
            let what = format!("no kind \"{kind}\" among the weights");
            let known = weights.keys().map(String::as_str);
            notes.unknown(&format!("{path}.strata.immaterial[{number}]"), what, kind, known);
        }
    }
    if let Some(margins) = &workflow.margins
        && margins.quality > margins.stratum_quality
    {
        let what =
            "is stricter than the margin of the whole; a kind has fewer calls and needs more room".to_owned();
        notes.add(&format!("{path}.margins.stratum_quality"), what);
    }
}

fn mapping(path: &str, rule: &MappingRule, catalog: &Catalog, notes: &mut Notes<'_>) {
    let patterns = [
        &rule.tag,
        &rule.span_workflow,
        &rule.alias,
        &rule.team,
        &rule.key_alias,
        &rule.source,
    ];
    let patterns: Vec<&String> = patterns.into_iter().flatten().collect();
    if patterns.is_empty() {
        let what =
            "matches every call; give at least one of tag, span_workflow, alias, team, key_alias, source";
        notes.add(path, what.to_owned());
    }
    let path = format!("{path}.workflow");
    match rule.workflow.as_str() {
        "$1" if !patterns.iter().any(|pattern| pattern.contains('*')) => {
            notes.add(
                &path,
                "\"$1\" stands for what * matched, but no field of this rule has a *".to_owned(),
            );
        }
        "$1" => {}
        id if catalog.workflow(id).is_none() => {
            let known = catalog.workflows.iter().map(|workflow| workflow.id.as_str());
            notes.unknown(&path, format!("no workflow \"{id}\""), id, known);
        }
        _ => {}
    }
}

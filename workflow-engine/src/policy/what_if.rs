//! What the policy says of every workflow on every route, and what another policy would say differently.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::Serialize;

use super::{Answer, Decision, Ground, Outcome, Phase, Request, Rulebook, book::OwnSlice};
use crate::{catalog::Catalog, values::Route};

/// Every workflow on every route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WhatIf {
    /// Which question was asked of each pair.
    pub phase: Phase,
    /// The day on which facts were read.
    pub on: NaiveDate,
    /// One cell a pair, workflow by workflow, in the order of the catalog.
    pub cells: Vec<Cell>,
    /// What an author should know: rules that deny everything or nothing, workflows that are left without a route.
    pub warnings: Vec<String>,
}

/// One workflow on one route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cell {
    /// The workflow.
    pub workflow: String,
    /// The route.
    pub route: String,
    /// Whether the route serves the workflow when the catalog is first applied.
    pub listed: bool,
    /// What was said before; none where there is nothing to compare with, or the pair is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Said>,
    /// What is said.
    pub now: Said,
}

/// What the policy says of a pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Said {
    /// The answer.
    pub decision: Answer,
    /// Controls and rules that decided; left out for a permit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub determining: Vec<String>,
    /// Why not, in plain words; empty for a permit.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub why: String,
}

impl Said {
    /// The short form of a decision.
    #[must_use]
    pub fn of(decision: &Decision) -> Self {
        let denied = decision.decision == Answer::Deny;
        let mut whys: Vec<&str> = Vec::new();
        for finding in decision.against() {
            if !whys.contains(&finding.why.as_str()) {
                whys.push(&finding.why);
            }
        }
        Self {
            decision: decision.decision,
            determining: if denied {
                decision.determining.clone()
            } else {
                Vec::new()
            },
            why: whys.join(" "),
        }
    }
}

impl Cell {
    /// Whether it would be decided differently.
    #[must_use]
    pub fn flips(&self) -> bool {
        self.before
            .as_ref()
            .is_some_and(|before| before.decision != self.now.decision)
    }
}

/// What `catalog` says of every pair on the day `today`; `before`, if given, is what it is compared with.
#[must_use]
pub fn what_if(before: Option<&Catalog>, catalog: &Catalog, (phase, today): (Phase, NaiveDate)) -> WhatIf {
    let mut tally = Tally::default();
    let now = pairs(&Rulebook::new(catalog), (phase, today), Some(&mut tally));
    let mut old: BTreeMap<(String, String), Said> = before
        .map(|before| pairs(&Rulebook::new(before), (phase, today), None))
        .unwrap_or_default()
        .into_iter()
        .map(|pair| ((pair.workflow, pair.route), pair.said))
        .collect();
    let cells = now.into_iter().map(|pair| {
        let key = (pair.workflow, pair.route);
        let before = old.remove(&key);
        Cell {
            workflow: key.0,
            route: key.1,
            listed: pair.listed,
            before,
            now: pair.said,
        }
    });
    let cells: Vec<_> = cells.collect();
    WhatIf {
        phase,
        on: today,
        warnings: tally.warnings(catalog),
        cells,
    }
}

struct Pair {
    workflow: String,
    route: String,
    listed: bool,
    said: Said,
}

fn pairs(book: &Rulebook<'_>, at: (Phase, NaiveDate), mut tally: Option<&mut Tally>) -> Vec<Pair> {
    let routes: Vec<Route> = book
        .catalog
        .routes
        .iter()
        .map(crate::catalog::CatalogRoute::route)
        .collect();
    let mut out = Vec::with_capacity(routes.len() * book.catalog.workflows.len());
    for workflow in &book.catalog.workflows {
        // The rules are cut to the workflow once, for all of its routes.
        let mut own: Option<OwnSlice<'_>> = None;
        for route in &routes {
            let request = Request::new(book.catalog, workflow, route, at);
            let own = own.get_or_insert_with(|| book.slice(&request.workflow, at.0));
            let decision = book.decide_with(own, &request);
            if let Some(tally) = tally.as_deref_mut() {
                tally.count(workflow.id.as_str(), &decision);
            }
            out.push(Pair {
                workflow: workflow.id.to_string(),
                route: route.id.clone(),
                listed: workflow.route == route.id,
                said: Said::of(&decision),
            });
        }
    }
    out
}

/// How often each rule was asked, and stood against what it was asked about.
#[derive(Default)]
struct Tally {
    pairs: usize,
    rules: BTreeMap<String, (usize, usize)>,
    /// For each workflow: permitted routes, and routes that nothing but the organisation's rules stands against.
    workflows: BTreeMap<String, (usize, usize)>,
}

impl Tally {
    fn count(&mut self, workflow: &str, decision: &Decision) {
        self.pairs += 1;
        let mut seen: BTreeMap<&str, bool> = BTreeMap::new();
        let mut shipped = false;
        for finding in &decision.findings {
            let against = finding.outcome != Outcome::Pass;
            match &finding.control {
                Ground::Rule(id) => *seen.entry(id).or_default() |= against,
                Ground::Control(_) => shipped |= against,
            }
        }
        let own = seen.values().any(|against| *against);
        for (id, against) in seen {
            let (asked, stood) = self.rules.entry(id.to_owned()).or_default();
            *asked += 1;
            *stood += usize::from(against);
        }
        let (permitted, stopped) = self.workflows.entry(workflow.to_owned()).or_default();
        *permitted += usize::from(decision.decision == Answer::Permit);
        *stopped += usize::from(own && !shipped);
    }

    fn warnings(&self, catalog: &Catalog) -> Vec<String> {
        let mut said = Vec::new();
        for (rule, (asked, stood)) in &self.rules {
            if asked == stood && *asked == self.pairs {
                said.push(format!(
                    "The rule {rule} denies everything: no workflow may use any route under it."
                ));
            }
        }
        for rule in Rulebook::new(catalog).own_rules() {
            if !self.rules.contains_key(&rule.id) {
                said.push(format!(
                    "The rule {} was asked about no pair: it names a workflow, team, cost centre or action that none of them has.",
                    rule.id
                ));
            }
        }
        for (workflow, (permitted, stopped)) in &self.workflows {
            if *permitted == 0 && *stopped > 0 {
                said.push(format!(
                    "{workflow} is left without any route it may use; the organisation's rules alone stand against {stopped} of them."
                ));
            }
        }
        said
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::sample::sample;

    fn asked() -> (Phase, NaiveDate) {
        (Phase::Admission, "2026-11-24".parse().unwrap())
    }

    fn with(rules: &str) -> Catalog {
        let mut catalog = sample();
        catalog.policy.rules = rules.to_owned();
        catalog
    }

    #[test]
    fn every_pair_has_its_answer_and_each_denial_its_reason() {
        let said = what_if(None, &sample(), asked());
        assert_eq!(said.cells.len(), 12);
        let denied: Vec<_> = said
            .cells
            .iter()
            .filter(|cell| cell.now.decision == Answer::Deny)
            .collect();
        assert!(
            denied
                .iter()
                .all(|cell| !cell.now.why.is_empty() && !cell.now.determining.is_empty())
        );
        let lines: Vec<_> = denied
            .iter()
            .map(|cell| format!("{} on {}: {}", cell.workflow, cell.route, cell.now.why))
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        support-answer on gpt-4o-mini-0718-ap: It would be processed in ap; Confidential data may be processed in us or eu only.
        claims-triage on gpt-4o-mini-0718-ap: It would be processed in ap; Confidential data may be processed in us or eu only.
        ");
        assert!(said.warnings.is_empty() && said.cells.iter().all(|cell| !cell.flips()));
    }

    #[test]
    fn what_a_new_rule_would_decide_differently_is_seen_before_it_is_in_force() {
        let rule =
            "@id(\"no-mini\") forbid (principal, action, resource == Gov::Route::\"gpt-4o-mini-0718\");";
        let said = what_if(Some(&sample()), &with(rule), asked());
        let flips: Vec<_> = said.cells.iter().filter(|cell| cell.flips()).collect();
        let lines: Vec<_> = flips
            .iter()
            .map(|cell| {
                let before = cell.before.as_ref().unwrap();
                format!(
                    "{} on {}: {:?} to {:?}, {}",
                    cell.workflow, cell.route, before.decision, cell.now.decision, cell.now.why
                )
            })
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        support-answer on gpt-4o-mini-0718: Permit to Deny, The rule no-mini forbids it.
        claims-triage on gpt-4o-mini-0718: Permit to Deny, The rule no-mini forbids it.
        ");
    }

    #[test]
    fn a_policy_that_denies_everything_is_warned_about_by_name() {
        let said = what_if(
            None,
            &with("@id(\"stop\") forbid (principal, action, resource);"),
            asked(),
        );
        insta::assert_snapshot!(said.warnings.join("\n"), @r"
        The rule stop denies everything: no workflow may use any route under it.
        claims-triage is left without any route it may use; the organisation's rules alone stand against 5 of them.
        support-answer is left without any route it may use; the organisation's rules alone stand against 5 of them.
        ");
        let none = what_if(
            None,
            &with("@id(\"gone\") forbid (principal == Gov::Workflow::\"gone\", action, resource);"),
            asked(),
        );
        insta::assert_snapshot!(none.warnings.join("\n"), @"The rule gone was asked about no pair: it names a workflow, team, cost centre or action that none of them has.");
    }
}

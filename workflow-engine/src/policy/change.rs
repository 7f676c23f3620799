//! A change of the policy itself: what is proposed, and what it would decide differently.
//!
//! It goes through the same machine as a change of a route. The policy is governed like a workflow of its own name; what
//! serves it is an edition of the rules, named by its digest. Nothing is replayed, so no shadow test is made.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{
    Answer, Phase, Request,
    book::Rulebook,
    controls::Governance,
    request::Asked,
    what_if::{Cell, Said, what_if},
};
use crate::{
    catalog::{ApprovalRules, Catalog, DataClass, Difference, PolicySettings, diff},
    change::state::Change,
    values::{Digest, Hop, Route},
};

/// The name under which the policy is governed; no workflow may have it.
pub const POLICY: &str = "policy";

/// The provider of its editions.
const EDITIONS: &str = "governor";

/// The parts of a catalog that make the policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PolicyParts {
    /// What the controls compare with, and the organisation's rules.
    pub policy: PolicySettings,
    /// Who must agree.
    pub approval: ApprovalRules,
    /// The ladder of data classes.
    pub data_classes: Vec<DataClass>,
    /// Governance controls, where they are not the shipped ones.
    pub controls: Vec<Governance>,
}

impl PolicyParts {
    /// The policy of `catalog`, whoever edited it.
    #[must_use]
    pub fn of(catalog: &Catalog) -> Self {
        let plain = catalog.unstamped();
        Self {
            policy: plain.policy,
            approval: plain.approval,
            data_classes: plain.data_classes,
            controls: plain.controls,
        }
    }

    /// `catalog` with this policy in place of its own.
    #[must_use]
    pub fn in_place_of(&self, catalog: &Catalog) -> Catalog {
        Catalog {
            policy: self.policy.clone(),
            approval: self.approval.clone(),
            data_classes: self.data_classes.clone(),
            controls: self.controls.clone(),
            ..catalog.clone()
        }
    }

    /// The digest that names this edition.
    #[must_use]
    pub fn digest(&self) -> Digest {
        // Settings are text, finite numbers and lists, which always have a canonical form.
        Digest::of_json(self).unwrap_or_else(|_| Digest::of(&[]))
    }
}

/// The edition of that digest as what serves the policy.
#[must_use]
pub fn edition(digest: Digest) -> Route {
    Route {
        id: format!("{POLICY}-{}", digest.short()),
        primary: Hop {
            provider: EDITIONS.to_owned(),
            model: format!("{POLICY}-{}", digest.short()),
            region: None,
            deployment: Some(digest.to_string()),
            parameters: std::collections::BTreeMap::new(),
        },
        fallbacks: Vec::new(),
    }
}

/// The digest that an edition names; none for the route of a workflow.
#[must_use]
pub fn digest_of(edition: &Route) -> Option<Digest> {
    if edition.primary.provider != EDITIONS {
        return None;
    }
    edition.primary.deployment.as_deref()?.parse().ok()
}

/// Whether `change` is one of the policy.
#[must_use]
pub fn is_of_policy(change: &Change) -> bool {
    change.workflow.as_str() == POLICY
}

/// What a new policy would decide differently.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Review {
    /// What differs between the two policies.
    pub differences: Vec<Difference>,
    /// Pairs of workflow and route that would be decided differently.
    pub pairs: Vec<Cell>,
    /// How many pairs were asked about.
    pub asked: usize,
    /// Live routes that would be decided differently.
    pub live: Vec<Flip>,
    /// Open changes that would be decided differently, were they submitted under it.
    pub open: Vec<Flip>,
    /// What an author should know.
    pub warnings: Vec<String>,
}

/// Something that is decided now, and would be decided differently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Flip {
    /// The workflow.
    pub workflow: String,
    /// The route.
    pub route: String,
    /// The open change, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<u64>,
    /// What is said now.
    pub before: Said,
    /// What would be said.
    pub after: Said,
}

/// A route that matters today: what serves a workflow, or what an open change proposes.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The workflow.
    pub workflow: String,
    /// The route.
    pub route: Route,
    /// The open change that proposes it; none for a live route.
    pub change: Option<u64>,
    /// What the change adds to what the catalog knows; with a finished test, the full question is asked.
    pub asked: Asked,
}

/// What `after` would decide differently from `before` on the day `today`.
#[must_use]
pub fn review(before: &Catalog, after: &Catalog, standing: &[Standing], today: NaiveDate) -> Review {
    let said = what_if(Some(before), after, (Phase::Admission, today));
    let (asked, warnings) = (said.cells.len(), said.warnings.clone());
    let (old, new) = (Rulebook::new(before), Rulebook::new(after));
    let flips = standing.iter().filter_map(|it| flip(&old, &new, it, today));
    let (open, live) = flips.partition(|flip| flip.change.is_some());
    Review {
        differences: diff(before, after),
        pairs: said.cells.into_iter().filter(Cell::flips).collect(),
        asked,
        live,
        open,
        warnings,
    }
}

fn flip(old: &Rulebook<'_>, new: &Rulebook<'_>, standing: &Standing, today: NaiveDate) -> Option<Flip> {
    let phase = match (standing.change, &standing.asked.measured) {
        (None, _) => Phase::Traffic,
        (Some(_), Some(_)) => Phase::Full,
        (Some(_), None) => Phase::Admission,
    };
    let ask = |book: &Rulebook<'_>| {
        let workflow = book.catalog.workflow(&standing.workflow)?;
        let request = Request::new(book.catalog, workflow, &standing.route, (phase, today));
        Some(Said::of(&book.decide(&request.with(standing.asked.clone()))))
    };
    let (before, after) = (ask(old)?, ask(new)?);
    (before.decision != after.decision).then(|| Flip {
        workflow: standing.workflow.clone(),
        route: standing.route.id.clone(),
        change: standing.change,
        before,
        after,
    })
}

impl Review {
    /// What would change, in one sentence.
    #[must_use]
    pub fn what(&self) -> String {
        let parts: Vec<String> = self
            .differences
            .iter()
            .take(4)
            .map(|it| it.path.clone())
            .collect();
        let more = self.differences.len().saturating_sub(parts.len());
        let rest = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        format!("The policy itself would change: {}{rest}.", parts.join(", "))
    }

    /// What it would mean, in one or two sentences.
    #[must_use]
    pub fn meaning(&self) -> String {
        let many = |count: usize, what: &str| match count {
            0 => format!("no {what}"),
            1 => format!("1 {what}"),
            count => format!("{count} {what}s"),
        };
        let pairs = match self.pairs.len() {
            0 => "none".to_owned(),
            count => count.to_string(),
        };
        format!(
            "Of {} pairs of workflow and route, {pairs} would be decided differently; so would {} and {}.",
            self.asked,
            many(self.live.len(), "live route"),
            many(self.open.len(), "open change"),
        )
    }

    /// One line for each thing that would be decided differently: live routes first, then open changes, then pairs.
    pub fn lines(&self) -> impl Iterator<Item = (String, &Said)> {
        let flips = self.live.iter().chain(&self.open).map(|flip| {
            let what = match flip.change {
                Some(number) => format!("change #{number}, {} on {}", flip.workflow, flip.route),
                None => format!("{} on {}, which serves it now", flip.workflow, flip.route),
            };
            (turn(&what, &flip.before, &flip.after), &flip.after)
        });
        let pairs = self.pairs.iter().filter_map(|cell| {
            let before = cell.before.as_ref()?;
            Some((
                turn(&format!("{} on {}", cell.workflow, cell.route), before, &cell.now),
                &cell.now,
            ))
        });
        flips.chain(pairs)
    }
}

fn turn(what: &str, before: &Said, after: &Said) -> String {
    let word = |said: &Said| match said.decision {
        Answer::Permit => "permitted",
        Answer::Deny => "denied",
    };
    let by = |said: &Said| match said.determining.as_slice() {
        [] => String::new(),
        ids => format!(" by {}", ids.join(", ")),
    };
    format!(
        "{what}: {}{} now, would be {}{}.",
        word(before),
        by(before),
        word(after),
        by(after)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::sample::sample;

    #[test]
    fn a_new_rule_is_reviewed_against_pairs_live_routes_and_open_changes() {
        let (before, mut after) = (sample(), sample());
        after.policy.rules =
            "@id(\"no-mini\") forbid (principal, action, resource) when { resource.model like \"gpt-4o-mini*\" };".to_owned();
        let standing = |route: &str, change| Standing {
            workflow: "support-answer".to_owned(),
            route: before.route(route).unwrap().route(),
            change,
            asked: Asked::default(),
        };
        let standing = [
            standing("gpt-4o-mini-0718", None),
            standing("gpt-4o-0806", Some(7)),
            standing("gpt-4o-mini-0718", Some(8)),
        ];
        let review = review(&before, &after, &standing, "2026-11-24".parse().unwrap());
        let lines: Vec<String> = review.lines().map(|(line, _)| line).collect();
        insta::assert_snapshot!(format!("{}\n{}\n{}", review.what(), review.meaning(), lines.join("\n")), @r"
        The policy itself would change: policy.rules.
        Of 12 pairs of workflow and route, 2 would be decided differently; so would 1 live route and 1 open change.
        support-answer on gpt-4o-mini-0718, which serves it now: permitted now, would be denied by no-mini.
        change #8, support-answer on gpt-4o-mini-0718: permitted now, would be denied by no-mini.
        support-answer on gpt-4o-mini-0718: permitted now, would be denied by no-mini.
        claims-triage on gpt-4o-mini-0718: permitted now, would be denied by no-mini.
        ");
    }

    #[test]
    fn an_edition_is_named_by_its_digest_and_put_in_place_without_touching_the_rest() {
        let parts = PolicyParts::of(&sample());
        assert_eq!(digest_of(&edition(parts.digest())), Some(parts.digest()));
        let mut other = sample();
        other.policy.evidence_days = 7;
        let placed = PolicyParts::of(&other).in_place_of(&sample());
        assert_eq!(placed, other);
        assert_ne!(PolicyParts::of(&other).digest(), parts.digest());
    }
}

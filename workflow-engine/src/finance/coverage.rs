//! How much of the spend has an owner and an approved policy, and what keeps the rest from it.

use std::collections::{BTreeMap, BTreeSet};

use super::charges::{Bearer, Charge, Reason, Total};
use super::words::{calls, money};
use crate::catalog::Catalog;
use crate::values::Usd;

/// Models that a workflow may use by its approved routes: the live one and those of changes of the period.
pub type Approved = BTreeMap<String, BTreeSet<String>>;

/// Spend with an owner and an approved policy, against all that is not shared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Coverage {
    /// All spend but Shared, which nobody needs to be found for.
    pub total: Usd,
    /// Of it, what has both.
    pub covered: Usd,
    /// What has not, the largest first.
    pub gaps: Vec<(Gap, Total)>,
}

/// What keeps a charge from being covered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gap {
    /// Nobody bears it.
    Unallocated(Reason),
    /// Its workflow has an owner who is not, or no longer, with the company.
    NoOwner(String),
    /// Its workflow used a model that none of its approved routes has.
    NotApproved {
        /// The workflow.
        workflow: String,
        /// The model.
        model: String,
    },
}

/// Looks at every charge.
pub fn coverage<'a>(
    charges: impl IntoIterator<Item = &'a Charge>,
    catalog: &Catalog,
    approved: &Approved,
) -> Coverage {
    let mut coverage = Coverage::default();
    let mut gaps: BTreeMap<Gap, Total> = BTreeMap::new();
    for charge in charges
        .into_iter()
        .filter(|charge| charge.bearer != Bearer::Shared)
    {
        coverage.total += charge.cost;
        match gap(charge, catalog, approved) {
            None => coverage.covered += charge.cost,
            Some(gap) => gaps.entry(gap).or_default().add(&charge.total()),
        }
    }
    coverage.gaps = gaps.into_iter().collect();
    coverage.gaps.sort_by(|(_, a), (_, b)| {
        (b.cost.0 + b.reported.0, b.calls).cmp(&(a.cost.0 + a.reported.0, a.calls))
    });
    coverage
}

fn gap(charge: &Charge, catalog: &Catalog, approved: &Approved) -> Option<Gap> {
    let id = match &charge.bearer {
        Bearer::Shared => return None,
        Bearer::Unallocated(reason) => return Some(Gap::Unallocated(reason.clone())),
        Bearer::Workflow(id) => id,
    };
    let owner = catalog
        .workflow(id)
        .and_then(|workflow| catalog.person(workflow.owner.as_str()));
    if owner.is_none_or(|person| person.inactive) {
        return Some(Gap::NoOwner(id.clone()));
    }
    // A request that was refused before any model used none.
    let allowed = charge.model.is_empty()
        || approved
            .get(id)
            .is_some_and(|models| models.contains(&charge.model));
    (!allowed).then(|| Gap::NotApproved {
        workflow: id.clone(),
        model: charge.model.clone(),
    })
}

impl Coverage {
    /// What is not covered.
    #[must_use]
    pub fn uncovered(&self) -> Usd {
        self.total - self.covered
    }
}

impl Gap {
    /// As people read it, after an amount: `calls without a workflow tag`.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Unallocated(Reason::NoWorkflow) => "calls that name no workflow".to_owned(),
            Self::Unallocated(Reason::UnknownWorkflow(name)) => {
                format!("workflow \"{name}\", which the catalog does not have")
            }
            Self::Unallocated(Reason::NoPrice { model, .. }) if model.is_empty() => {
                "calls without a price".to_owned()
            }
            Self::Unallocated(Reason::NoPrice { model, .. }) => format!("model {model}, which has no price"),
            Self::NoOwner(workflow) => format!("{workflow}, whose owner is not in the catalog any more"),
            Self::NotApproved { workflow, model } => {
                format!("{workflow} on {model}, which is not approved for it")
            }
        }
    }

    /// The gap with its amount, or with its calls where there is no amount: `$1.9k calls that name no workflow`.
    #[must_use]
    pub fn sentence(&self, total: &Total) -> String {
        let amount = match (total.cost, total.reported) {
            (cost, _) if cost != Usd::ZERO => money(cost),
            (_, reported) if reported != Usd::ZERO => {
                format!("about {}, by the gateway's own figure,", money(reported))
            }
            _ => {
                return format!(
                    "{} on {}",
                    calls(total.calls),
                    self.words().trim_start_matches("calls ")
                );
            }
        };
        format!("{amount} {}", self.words())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::sample;

    #[test]
    fn what_is_not_covered_says_why_and_the_largest_comes_first() {
        let catalog = sample::sample();
        let workflow = &catalog.workflows[0];
        let id = workflow.id.as_str();
        let charge = |bearer: Bearer, model: &str, cost: &str| Charge {
            day: "2026-11-16".parse().unwrap(),
            bearer,
            provider: "openai".to_owned(),
            model: model.to_owned(),
            calls: 3,
            cost: Usd(cost.parse().unwrap()),
            reported: Usd::ZERO,
        };
        let unpriced = Reason::NoPrice {
            provider: "openai".to_owned(),
            model: "new-1".to_owned(),
        };
        let charges = [
            charge(Bearer::Workflow(id.to_owned()), "gpt-4o", "97400"),
            charge(Bearer::Workflow(id.to_owned()), "gpt-4o-mini", "600"),
            charge(Bearer::Unallocated(Reason::NoWorkflow), "gpt-4o", "1900"),
            charge(Bearer::Unallocated(unpriced), "new-1", "0"),
            charge(Bearer::Shared, "gpt-4o", "5000"),
        ];
        let approved = Approved::from([(id.to_owned(), BTreeSet::from(["gpt-4o".to_owned()]))]);
        let found = coverage(&charges, &catalog, &approved);
        assert_eq!(
            (found.total.plain(), found.uncovered().plain()),
            ("99900".to_owned(), "2500".to_owned())
        );
        let gaps: Vec<String> = found
            .gaps
            .iter()
            .map(|(gap, total)| gap.sentence(total))
            .collect();
        insta::assert_snapshot!(gaps.join("\n"), @r"
        $1.9k calls that name no workflow
        $600 support-answer on gpt-4o-mini, which is not approved for it
        3 calls on model new-1, which has no price
        ");
    }
}

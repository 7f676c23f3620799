//! Dated facts about vendors: which a decision rests on, and which end soon.

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};

use super::Request;
use crate::catalog::{Catalog, Fact, Vendor};

/// Days before its last one on which people are told that a fact ends.
pub const SOON: u64 = 30;

/// A fact as a decision shows it: what it says, in which document, and until when that may be relied on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatedFact {
    /// The vendor as people read it.
    pub vendor: String,
    /// What it is about.
    pub name: String,
    /// What it says.
    pub value: String,
    /// The document.
    pub source: String,
    /// When it was checked.
    pub as_of: NaiveDate,
    /// The last day on which it may be relied on.
    pub expires: NaiveDate,
    /// Whether that day is past: then it is unknown, and what is unknown is denied.
    pub expired: bool,
}

/// The facts on record of every vendor behind a hop of `request`.
pub(super) fn relied_on(catalog: &Catalog, request: &Request) -> Vec<StatedFact> {
    let mut seen: Vec<&str> = Vec::new();
    let mut stated = Vec::new();
    for hop in &request.hops {
        let provider = hop.hop.provider.as_str();
        let Some(vendor) = catalog.vendor(provider).filter(|_| !seen.contains(&provider)) else {
            continue;
        };
        seen.push(provider);
        stated.extend(vendor.facts.iter().map(|fact| state(vendor, fact, request.today)));
    }
    stated
}

/// Facts that may not be relied on any more, or for [`SOON`] days at most; the first to end first.
#[must_use]
pub fn ending(catalog: &Catalog, today: NaiveDate) -> Vec<StatedFact> {
    let until = today + Days::new(SOON);
    let facts = catalog
        .vendors
        .iter()
        .flat_map(|vendor| vendor.facts.iter().map(move |fact| (vendor, fact)));
    let mut ending: Vec<_> = facts
        .filter(|(_, fact)| fact.expires <= until)
        .map(|(vendor, fact)| state(vendor, fact, today))
        .collect();
    ending.sort_by(|a, b| (a.expires, &a.vendor, &a.name).cmp(&(b.expires, &b.vendor, &b.name)));
    ending
}

fn state(vendor: &Vendor, fact: &Fact, today: NaiveDate) -> StatedFact {
    StatedFact {
        vendor: vendor.name.clone(),
        name: fact.name.clone(),
        value: fact.value.clone(),
        source: fact.source.clone(),
        as_of: fact.as_of,
        expires: fact.expires,
        expired: fact.expires < today,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        catalog::sample::sample,
        policy::{Phase, Rulebook},
    };

    #[test]
    fn people_are_told_thirty_days_before_a_fact_ends_and_from_the_day_after_its_last_it_is_unknown() {
        let mut catalog = sample();
        for vendor in &mut catalog.vendors {
            for fact in &mut vendor.facts {
                fact.expires = "2028-01-01".parse().unwrap();
            }
        }
        catalog.vendors[0].facts[0].expires = "2026-12-24".parse().unwrap();
        let told = |day: &str| -> Vec<bool> {
            let ending = ending(&catalog, day.parse().unwrap());
            ending.iter().map(|fact| fact.expired).collect()
        };
        assert_eq!(told("2026-11-23"), Vec::<bool>::new());
        assert_eq!(told("2026-11-24"), [false]);
        assert_eq!(told("2026-12-24"), [false], "the last day counts");
        assert_eq!(told("2026-12-25"), [true]);
    }

    #[test]
    fn a_decision_shows_the_facts_it_rests_on_with_document_and_last_day() {
        let catalog = sample();
        let route = catalog.route("claude-3-5-sonnet-0620").unwrap().route();
        let workflow = catalog.workflow("support-answer").unwrap();
        let day = "2026-11-24".parse().unwrap();
        let request = Request::new(&catalog, workflow, &route, (Phase::Admission, day));
        let decision = Rulebook::new(&catalog).decide(&request);
        assert!(!decision.facts.is_empty());
        assert!(
            decision
                .facts
                .iter()
                .all(|fact| fact.vendor == "Anthropic" && !fact.source.is_empty())
        );
    }
}

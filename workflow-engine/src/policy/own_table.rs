//! The organisation's rules in the hot path: each answer of Cedar is worked out once and then read from a table.
//!
//! The key is finite once budgets and clocks are words: the catalog gives policy, workflow version, data class, route
//! version and region, so a pair of numbers stands for all of them; the budgets' states are four bits. The table belongs
//! to one catalog on one day and goes with it.

use std::sync::atomic::{AtomicU8, Ordering};

use chrono::NaiveDate;

use super::{
    Asked, BudgetFacts, Flags, Phase, Request,
    cedar::{CedarFault, rules::OwnRules},
};
use crate::{
    catalog::Catalog,
    values::{Hop, Route, Usd},
};

const UNKNOWN: u8 = 0;
const PERMITTED: u8 = 1;
const DENIED: u8 = 2;

/// Answers of the organisation's rules for calls.
#[derive(Debug)]
pub(super) struct OwnTable {
    catalog: Catalog,
    day: NaiveDate,
    rules: Result<OwnRules, CedarFault>,
    /// For each hop number, the routes that have it, each cut to that hop.
    hops: Vec<Vec<(Route, usize)>>,
    answers: Vec<AtomicU8>,
}

impl OwnTable {
    /// The table of `catalog` for these hops; none where the organisation has no rules.
    pub(super) fn new(catalog: &Catalog, day: NaiveDate, hops: &[Hop]) -> Option<Self> {
        if catalog.policy.rules.trim().is_empty() {
            return None;
        }
        let rules = OwnRules::parse(&catalog.policy.rules).map_err(|faults| CedarFault::unreadable(&faults));
        let routes: Vec<Route> = catalog
            .routes
            .iter()
            .map(crate::catalog::CatalogRoute::route)
            .collect();
        let with = |hop: &Hop| -> Vec<(Route, usize)> {
            let places = routes
                .iter()
                .flat_map(|route| route.hops().enumerate().map(move |it| (route, it)));
            let same = places.filter(|(_, (_, other))| {
                other.provider == hop.provider && other.model == hop.model && other.region == hop.region
            });
            same.map(|(route, (index, _))| (route.clone(), index)).collect()
        };
        let cells = catalog.workflows.len() * hops.len() * Flags::STATES;
        Some(Self {
            catalog: catalog.clone(),
            day,
            rules,
            hops: hops.iter().map(with).collect(),
            answers: (0..cells).map(|_| AtomicU8::new(UNKNOWN)).collect(),
        })
    }

    /// Whether the rules stand against a call of that workflow on that hop. A hop that several routes have is let pass
    /// if it may be called as part of any of them.
    pub(super) fn denies(&self, workflow: usize, hop: usize, flags: Flags) -> bool {
        let index = (workflow * self.hops.len() + hop) * Flags::STATES + flags.state();
        let Some(answer) = self.answers.get(index) else {
            return true;
        };
        // Two threads that meet here work out the same answer.
        match answer.load(Ordering::Relaxed) {
            PERMITTED => false,
            DENIED => true,
            _ => {
                let permitted = self.permits(workflow, hop, flags);
                answer.store(if permitted { PERMITTED } else { DENIED }, Ordering::Relaxed);
                !permitted
            }
        }
    }

    fn permits(&self, workflow: usize, hop: usize, flags: Flags) -> bool {
        let (Ok(rules), Some(workflow)) = (&self.rules, self.catalog.workflows.get(workflow)) else {
            return false;
        };
        self.hops.get(hop).into_iter().flatten().any(|(route, index)| {
            let request = Request::new(&self.catalog, workflow, route, (Phase::Traffic, self.day));
            let request = request.with(flags.asked(&self.catalog, workflow));
            let hop = request.hops.get(*index);
            let slice = rules.slice(&request.workflow, Phase::Traffic);
            hop.zip(slice.ok())
                .is_some_and(|(hop, slice)| slice.permits(&request, hop))
        })
    }
}

impl Flags {
    /// Budgets that stand where the flags say: the least that does.
    fn asked(self, catalog: &Catalog, workflow: &crate::catalog::Workflow) -> Asked {
        let at = |exhausted: Self, warned: Self| BudgetFacts {
            limit: Usd(100.into()),
            spent: Usd(if self.has(exhausted) {
                100
            } else if self.has(warned) {
                80
            } else {
                0
            }
            .into()),
        };
        let own = catalog
            .budgets
            .iter()
            .any(|budget| budget.workflow.as_ref() == Some(&workflow.id));
        let center = catalog
            .budgets
            .iter()
            .any(|budget| budget.cost_center.as_ref() == Some(&workflow.cost_center));
        Asked {
            budget: own.then(|| at(Self::BUDGET_EXHAUSTED, Self::BUDGET_WARNS)),
            cost_center_budget: center.then(|| at(Self::CENTER_EXHAUSTED, Self::CENTER_WARNS)),
            ..Asked::default()
        }
    }
}

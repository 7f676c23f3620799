//! What the catalog and the price book make of a call: its workflow, its cost, whether its content may be kept.

use std::collections::HashMap;

use super::call::{Call, CallId};
use super::mapping::{Mapped, Mapping, Marks};
use super::merge;
use super::price::{AnsweredBy, CallTokens, PriceBook};
use super::report::SpanNote;
use crate::catalog::Catalog;
use crate::policy::{
    Flags,
    traffic::{Called, TrafficPolicy},
};
use crate::values::Usd;

/// `cost_source` of a cost from the price book.
pub const COMPUTED: &str = "computed";
/// `cost_source` of a gateway's cache hit, which costs nothing.
pub const CACHE_HIT: &str = "cache_hit";

/// Everything that turns reports into rows, taken from one version of the catalog.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    mapping: Mapping,
    prices: PriceBook,
    policy: Option<TrafficPolicy>,
}

impl Rules {
    /// The catalog's mapping, and prices that already hold its overrides.
    #[must_use]
    pub fn of(catalog: &Catalog, prices: PriceBook) -> Self {
        Self {
            mapping: Mapping::of(catalog),
            prices,
            policy: None,
        }
    }

    /// These rules, with each call held to that policy.
    #[must_use]
    pub fn held_to(self, policy: TrafficPolicy) -> Self {
        Self {
            policy: Some(policy),
            ..self
        }
    }

    /// The policy that calls are held to.
    #[must_use]
    pub fn policy(&self) -> Option<&TrafficPolicy> {
        self.policy.as_ref()
    }

    /// Which workflow a call belongs to, known by what stands on the call itself.
    #[must_use]
    pub fn workflow(&self, call: &Call) -> Option<Mapped> {
        self.mapping.workflow(call, &[Marks::of(call)])
    }

    /// The rows that `reports` amount to, attributed and priced, by id.
    #[must_use]
    pub fn rows(&self, reports: Vec<Call>, notes: &[SpanNote]) -> HashMap<CallId, Call> {
        let rows = merge::rows(reports, notes, &self.mapping);
        rows.into_iter()
            .map(|mut row| {
                self.price(&mut row);
                self.hold(&mut row);
                (row.id, row)
            })
            .collect()
    }

    /// Whether prompt and answer of the row may be kept: only for a workflow that the catalog governs.
    #[must_use]
    pub fn keeps_content(&self, row: &Call) -> bool {
        row.workflow.is_some() && !row.is_internal
    }

    /// Writes down what the policy finds wrong with the row. Where budgets stand is not asked: that is told once a month
    /// and threshold, not once a call.
    fn hold(&self, row: &mut Call) {
        let Some((policy, workflow)) = self.policy.as_ref().zip(row.workflow.as_ref()) else {
            return;
        };
        if row.is_internal || row.cache_hit == Some(true) {
            return;
        }
        let called = Called {
            provider: row.provider.as_deref().unwrap_or_default(),
            models: [row.route_model.as_deref(), row.response_model.as_deref()],
            region: row.region.as_deref(),
        };
        let found = policy.findings(workflow.as_str(), &called, Flags::default());
        row.findings = found.into_iter().map(str::to_owned).collect();
    }

    /// Our own cost of the row, line by line; none when tokens or price are unknown.
    pub fn price(&self, row: &mut Call) {
        if row.cache_hit == Some(true) {
            row.cost_usd = Some(Usd::ZERO);
            row.cost_source = Some(CACHE_HIT.to_owned());
            return;
        }
        let tokens = CallTokens {
            input: row.input_tokens,
            cached_input: row.cached_input_tokens,
            cache_write: row.cache_write_tokens,
            output: row.output_tokens,
            reasoning: row.reasoning_tokens,
        };
        let provider = row.provider.as_deref().unwrap_or_default();
        // The vendor's own word names the version; a route may name an alias of it.
        let models = [&row.response_model, &row.route_model, &row.requested_alias];
        let priced = models.into_iter().flatten().find_map(|model| {
            let by = AnsweredBy {
                provider,
                model,
                service_tier: row.beside.service_tier.as_deref(),
                at: row.started_at,
            };
            self.prices.price_call(&by, &tokens)
        });
        let Some(priced) = priced else { return };
        row.cost_usd = Some(priced.cost);
        row.cost_source = Some(COMPUTED.to_owned());
        row.price_version = Some(priced.price_version);
        let mut by_meter: HashMap<&str, Usd> = HashMap::new();
        for line in &priced.lines {
            let name = line.meter.name();
            let name = if name.starts_with("cache_write") {
                "cache_write"
            } else {
                name
            };
            *by_meter.entry(name).or_default() += line.cost;
        }
        row.beside.meter_costs = by_meter
            .into_iter()
            .map(|(name, cost)| (name.to_owned(), cost.plain()))
            .collect();
    }
}

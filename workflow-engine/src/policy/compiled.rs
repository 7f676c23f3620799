//! The controls that hold for every call, compiled to bit tests: nothing is explained, nothing is allocated. The
//! organisation's own rules stand beside them as a table of remembered answers.
//!
//! [`super::Rulebook::decide`] is the reading of the same rules with reasons; a property test holds the two equal.

use std::{collections::HashMap, sync::Arc};

use chrono::{Duration, NaiveDate};

use super::{
    controls::Control,
    decision::OWN_RULES,
    own_table::OwnTable,
    request::{HopFacts, Known},
};
use crate::{
    catalog::{Catalog, Workflow},
    values::Hop,
};

/// What is true of one call or of this moment: where the budgets stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(u8);

impl Flags {
    /// The workflow's budget is used up.
    pub const BUDGET_EXHAUSTED: Self = Self(1);
    /// The workflow's budget is past its warning.
    pub const BUDGET_WARNS: Self = Self(2);
    /// The budget of its cost centre is used up.
    pub const CENTER_EXHAUSTED: Self = Self(4);
    /// The budget of its cost centre is past its warning.
    pub const CENTER_WARNS: Self = Self(8);
    /// How many different flags there are.
    pub(super) const STATES: usize = 16;

    /// Both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) const fn state(self) -> usize {
        self.0 as usize
    }
}

/// The rules of one catalog on one day: workflows, and the hops of its routes, by number.
///
/// Facts end with a day, so compile anew when the day changes ([`CompiledPolicy::day`]) and when a catalog is applied.
#[derive(Clone, Debug)]
pub struct CompiledPolicy {
    /// The day whose facts these are.
    pub day: NaiveDate,
    workflows: Vec<Needs>,
    workflow_ix: HashMap<String, usize>,
    hops: Vec<Offers>,
    hop_ix: HopIndex,
    /// Flags that mean a used-up budget.
    exhausted: Flags,
    /// Shared by clones; none where the organisation has no rules of its own.
    own: Option<Arc<OwnTable>>,
}

/// Provider, model, then the few regions of it: looked up without making text.
type HopIndex = HashMap<String, HashMap<String, Vec<(Option<String>, usize)>>>;

const UNKNOWN: u32 = u32::MAX;

/// What a workflow asks for.
#[derive(Clone, Debug, Default)]
struct Needs {
    /// No data class: nothing is known, and what is not known is not allowed.
    classless: bool,
    /// Most days; none means any, known or not.
    retention: Option<u32>,
    training_allowed: bool,
    /// Allowed regions; all bits where any will do.
    regions: u128,
    any_region: bool,
    certifications: u128,
    tools: bool,
    context: Option<u64>,
}

/// What a hop has to offer.
#[derive(Clone, Debug)]
struct Offers {
    /// Days, or [`UNKNOWN`].
    retention: u32,
    trains_not: bool,
    /// Its region if the vendor promises it; no bit otherwise.
    region: u128,
    certifications: u128,
    provider: bool,
    version: bool,
    listed: bool,
    tools: bool,
    /// Tokens; none when not known.
    context: Option<u64>,
}

impl CompiledPolicy {
    /// The rules of `catalog` on `day`.
    #[must_use]
    pub fn compile(catalog: &Catalog, day: NaiveDate) -> Self {
        let bits = Bits::of(catalog);
        let routes: Vec<_> = catalog
            .routes
            .iter()
            .map(crate::catalog::CatalogRoute::route)
            .collect();
        let mut compiled = Self {
            day,
            workflows: catalog
                .workflows
                .iter()
                .map(|workflow| needs(catalog, workflow, &bits))
                .collect(),
            workflow_ix: catalog
                .workflows
                .iter()
                .map(|workflow| workflow.id.to_string())
                .zip(0..)
                .collect(),
            hops: Vec::new(),
            hop_ix: HashMap::new(),
            exhausted: match catalog.policy.cost_center_budgets {
                true => Flags::BUDGET_EXHAUSTED.and(Flags::CENTER_EXHAUSTED),
                false => Flags::BUDGET_EXHAUSTED,
            },
            own: None,
        };
        let mut known = Vec::new();
        for hop in routes.iter().flat_map(crate::values::Route::hops) {
            if compiled
                .hop_ix(&hop.provider, &hop.model, hop.region.as_deref())
                .is_none()
            {
                let models = compiled.hop_ix.entry(hop.provider.clone()).or_default();
                let regions = models.entry(hop.model.clone()).or_default();
                regions.push((hop.region.clone(), compiled.hops.len()));
                compiled.hops.push(offers(catalog, hop, day, &bits));
                known.push(hop.clone());
            }
        }
        compiled.own = OwnTable::new(catalog, day, &known).map(Arc::new);
        compiled
    }

    /// The number of a workflow.
    #[must_use]
    pub fn workflow_ix(&self, workflow: &str) -> Option<usize> {
        self.workflow_ix.get(workflow).copied()
    }

    /// The number of a hop that some route of the catalog has. A hop that none has is outside the approved set whatever the
    /// controls say.
    #[must_use]
    pub fn hop_ix(&self, provider: &str, model: &str, region: Option<&str>) -> Option<usize> {
        let regions = self.hop_ix.get(provider)?.get(model)?;
        let same = regions.iter().find(|(known, _)| known.as_deref() == region);
        same.map(|(_, index)| *index)
    }

    /// The numbers of all hops of that model, in every region that some route has it in where the call names none.
    pub(super) fn hops_ix(
        &self,
        provider: &str,
        model: &str,
        region: Option<&str>,
    ) -> impl Iterator<Item = usize> {
        let regions = self.hop_ix.get(provider).and_then(|models| models.get(model));
        let same = move |known: &Option<String>| region.is_none() || known.as_deref() == region;
        let hops = regions.into_iter().flatten();
        hops.filter(move |(known, _)| same(known))
            .map(|(_, index)| *index)
    }

    /// Bits ([`Control::bit`], [`OWN_RULES`]) of what a call of that workflow on that hop fails; 0 when it may go on. Numbers
    /// that this policy has not given out fail everything.
    #[must_use]
    pub fn failed_controls(&self, workflow_ix: usize, hop_ix: usize, flags: Flags) -> u16 {
        let (Some(needs), Some(hop)) = (self.workflows.get(workflow_ix), self.hops.get(hop_ix)) else {
            return ALL_OF_TRAFFIC;
        };
        let failed = [
            (
                Control::Retention,
                needs.classless || needs.retention.is_some_and(|most| hop.retention > most),
            ),
            (
                Control::TrainingUse,
                needs.classless || !(needs.training_allowed || hop.trains_not),
            ),
            (
                Control::Residency,
                needs.classless || !(needs.any_region || needs.regions & hop.region != 0),
            ),
            (Control::Provider, !hop.provider),
            (
                Control::Certifications,
                needs.classless || needs.certifications & !hop.certifications != 0,
            ),
            (Control::ModelVersion, !hop.version),
            (Control::Capability, lacks(needs, hop)),
            (Control::Budget, flags.has(self.exhausted)),
        ];
        let own = self
            .own
            .as_ref()
            .is_some_and(|own| own.denies(workflow_ix, hop_ix, flags));
        failed
            .iter()
            .fold(OWN_RULES * u16::from(own), |mask, (control, failed)| {
                mask | (control.bit() * u16::from(*failed))
            })
    }
}

const ALL_OF_TRAFFIC: u16 = (1 << 8) - 1;

fn lacks(needs: &Needs, hop: &Offers) -> bool {
    let context = needs
        .context
        .is_some_and(|needed| hop.context.is_none_or(|held| held < needed));
    let asks = needs.tools || needs.context.is_some();
    asks && (!hop.listed || context || (needs.tools && !hop.tools))
}

/// A bit for each region and each certification that the catalog names; the loader allows no more than there are bits.
struct Bits {
    regions: HashMap<String, u128>,
    certifications: HashMap<String, u128>,
}

impl Bits {
    fn of(catalog: &Catalog) -> Self {
        let number = |names: Vec<String>| names.into_iter().zip((0..128).map(|bit| 1 << bit)).collect();
        let mut asked: Vec<String> = catalog
            .data_classes
            .iter()
            .flat_map(|class| class.certifications.clone())
            .collect();
        asked.sort();
        asked.dedup();
        Self {
            regions: number(catalog.regions().into_iter().map(str::to_owned).collect()),
            certifications: number(asked),
        }
    }

    fn region(&self, name: &str) -> u128 {
        self.regions.get(name).copied().unwrap_or_default()
    }

    fn regions<'a>(&self, names: impl IntoIterator<Item = &'a String>) -> u128 {
        names.into_iter().fold(0, |mask, name| mask | self.region(name))
    }
}

fn needs(catalog: &Catalog, workflow: &Workflow, bits: &Bits) -> Needs {
    let needs = Needs {
        tools: workflow.needs_tools,
        context: workflow.needs_context_tokens,
        ..Needs::default()
    };
    let Some(class) = catalog
        .data_classes
        .iter()
        .find(|class| class.id == workflow.data_class)
    else {
        return Needs {
            classless: true,
            ..needs
        };
    };
    let mut regions = u128::MAX;
    for limit in [&class.regions, &workflow.regions] {
        if !limit.is_empty() {
            regions &= bits.regions(limit);
        }
    }
    let certifications = class
        .certifications
        .iter()
        .filter_map(|name| bits.certifications.get(name));
    Needs {
        retention: class.max_retention_days,
        training_allowed: class.training_allowed,
        regions,
        any_region: class.regions.is_empty() && workflow.regions.is_empty(),
        certifications: certifications.fold(0, |mask, bit| mask | bit),
        ..needs
    }
}

fn offers(catalog: &Catalog, hop: &Hop, day: NaiveDate, bits: &Bits) -> Offers {
    let facts = HopFacts::new(catalog, 0, hop, day);
    let promised = match &facts.residency {
        Known::Is(regions, _) => bits.regions(regions),
        _ => 0,
    };
    let stays = day + Duration::days(catalog.policy.min_days_to_retirement);
    let model = facts.model.as_ref();
    let held = facts
        .certifications
        .iter()
        .filter(|(_, known)| matches!(known, Known::Is(true, _)));
    Offers {
        retention: if let Known::Is(days, _) = facts.retention_days {
            days
        } else {
            UNKNOWN
        },
        trains_not: matches!(facts.trains, Known::Is(false, _)),
        region: hop.region.as_deref().map_or(0, |region| bits.region(region)) & promised,
        certifications: held
            .filter_map(|(name, _)| bits.certifications.get(name))
            .fold(0, |mask, bit| mask | bit),
        provider: facts.provider_allowed && matches!(facts.contract, Known::Is(true, _)),
        version: !facts.forbidden
            && model
                .is_some_and(|model| model.pinned && model.retires.is_none_or(|retires| retires >= stays)),
        listed: model.is_some(),
        tools: model.is_some_and(|model| model.tools),
        context: model.and_then(|model| model.context_tokens),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        catalog::{Fact, sample::sample},
        policy::{Asked, BudgetFacts, Phase, Request, Rulebook},
        values::{Route, Usd},
    };

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn numbers_that_were_not_given_out_fail_everything() {
        let compiled = CompiledPolicy::compile(&sample(), day("2026-11-24"));
        assert_eq!(compiled.failed_controls(99, 0, Flags::default()), 0xff);
        assert_eq!(compiled.hop_ix("openai", "gpt-5", None), None);
    }

    #[test]
    fn the_forbidden_region_fails_residency_and_nothing_else() {
        let compiled = CompiledPolicy::compile(&sample(), day("2026-11-24"));
        let workflow = compiled.workflow_ix("support-answer").unwrap();
        let ap = compiled
            .hop_ix("azure.ai.openai", "gpt-4o-mini-2024-07-18", Some("ap"))
            .unwrap();
        let us = compiled
            .hop_ix("openai", "gpt-4o-2024-08-06", Some("us"))
            .unwrap();
        assert_eq!(
            compiled.failed_controls(workflow, ap, Flags::default()),
            Control::Residency.bit()
        );
        assert_eq!(compiled.failed_controls(workflow, us, Flags::default()), 0);
        assert_eq!(
            compiled.failed_controls(workflow, us, Flags::BUDGET_EXHAUSTED),
            Control::Budget.bit()
        );
    }

    #[test]
    fn an_empty_catalog_compiles_and_knows_nobody() {
        let compiled = CompiledPolicy::compile(&Catalog::default(), day("2026-11-24"));
        assert_eq!(compiled.workflow_ix("any"), None);
    }

    fn facts() -> impl Strategy<Value = Vec<Fact>> {
        let names = [
            "retention_days",
            "zero_data_retention",
            "training_use",
            "residency",
            "contract",
            "soc2",
            "iso27001",
        ];
        let values = [
            "0", "30", "90", "true", "false", "none", "always", "opt_in", "us", "us,eu", "eu, ap", "signed",
            "no", "",
        ];
        let days = ["2026-11-23", "2026-11-24", "2028-01-01"];
        let fact =
            (0..names.len(), 0..values.len(), 0..days.len()).prop_map(move |(name, value, expires)| Fact {
                name: names[name].to_owned(),
                value: values[value].to_owned(),
                source: "a document".to_owned(),
                as_of: day("2026-01-01"),
                expires: day(days[expires]),
            });
        prop::collection::vec(fact, 0..9)
    }

    fn regions() -> impl Strategy<Value = Vec<String>> {
        prop::collection::vec(
            prop::sample::select(vec!["us", "eu", "ap"]).prop_map(str::to_owned),
            0..3,
        )
    }

    prop_compose! {
        fn catalogs()(
            facts in prop::collection::vec(facts(), 3),
            retention in prop::option::of(0_u32..100),
            training in any::<bool>(),
            places in prop::collection::vec(regions(), 2),
            hop_regions in prop::collection::vec(prop::option::of(prop::sample::select(vec!["us", "eu", "ap"])), 6),
            flags in prop::collection::vec(any::<bool>(), 8),
            retires in prop::option::of(0_i64..200),
            context in prop::option::of(1_u64..200_000),
            held in prop::option::of(1_u64..200_000),
            certifications in prop::collection::vec(prop::sample::select(vec!["soc2", "iso27001", "hipaa"]), 0..3),
        ) -> Catalog {
            let mut catalog = sample();
            for (vendor, facts) in catalog.vendors.iter_mut().zip(facts) {
                if flags[0] { vendor.facts.extend(facts) } else { vendor.facts = facts }
            }
            for class in &mut catalog.data_classes {
                class.max_retention_days = retention;
                class.training_allowed = training;
                class.regions.clone_from(&places[0]);
                class.certifications = certifications.iter().map(|name| (*name).to_owned()).collect();
            }
            let workflow = &mut catalog.workflows[0];
            workflow.regions.clone_from(&places[1]);
            workflow.needs_tools = flags[1];
            workflow.needs_context_tokens = context;
            if flags[2] { workflow.data_class = "gone".to_owned() }
            for (route, region) in catalog.routes.iter_mut().zip(hop_regions) {
                route.region = region.map(str::to_owned);
            }
            catalog.models[0].tools = flags[3];
            catalog.models[1].pinned = flags[4];
            catalog.models[2].context_tokens = held;
            catalog.models[3].retires = retires.map(|days| day("2026-11-24") + Duration::days(days));
            if flags[5] { catalog.models.remove(5); }
            if flags[6] { catalog.policy.forbidden_models.push("gpt-4o".to_owned()) }
            if flags[7] { catalog.policy.allowed_providers = vec!["openai".to_owned()] }
            catalog
        }
    }

    #[test]
    fn the_organisations_rules_are_remembered_for_each_workflow_hop_and_state_of_budgets() {
        let mut catalog = sample();
        catalog.policy.rules = r#"
            @id("not-on-ap") forbid (principal, action, resource) when { resource has region && resource.region == "ap" };
            @id("frugal") forbid (principal == Gov::Workflow::"support-answer", action == Gov::Action::"traffic", resource)
            when { context.budget == "warn" && resource.model like "gpt-4o-2024*" };
            @id("named") forbid (principal, action, resource == Gov::Route::"gpt-4-turbo-0409");
        "#.to_owned();
        let today = day("2026-11-24");
        let compiled = CompiledPolicy::compile(&catalog, today);
        let book = Rulebook::new(&catalog);
        let mut denied = 0;
        // Twice: worked out, then remembered.
        for workflow in catalog.workflows.iter().chain(&catalog.workflows) {
            for route in catalog.routes.iter().map(crate::catalog::CatalogRoute::route) {
                let hop = &route.primary;
                let hop_ix = compiled
                    .hop_ix(&hop.provider, &hop.model, hop.region.as_deref())
                    .unwrap();
                let workflow_ix = compiled.workflow_ix(workflow.id.as_str()).unwrap();
                for (spent, flags) in [(0, Flags::default()), (80, Flags::BUDGET_WARNS)] {
                    let budget = BudgetFacts {
                        limit: Usd(100.into()),
                        spent: Usd(spent.into()),
                    };
                    let own = |route: &Route| {
                        let request = Request::new(&catalog, workflow, route, (Phase::Traffic, today));
                        let request = request.with(Asked {
                            budget: Some(budget),
                            ..Asked::default()
                        });
                        let first = Route {
                            fallbacks: Vec::new(),
                            ..route.clone()
                        };
                        let request = Request {
                            hops: request.hops[..1].to_vec(),
                            route: first.id,
                            ..request
                        };
                        book.decide(&request).failed_mask() & OWN_RULES != 0
                    };
                    let remembered = compiled.failed_controls(workflow_ix, hop_ix, flags) & OWN_RULES != 0;
                    let routes = catalog.routes.iter().map(crate::catalog::CatalogRoute::route);
                    let mut with_hop =
                        routes.filter(|other| other.hops().any(|it| it == hop) && other.primary == *hop);
                    let fallback = catalog.routes.iter().any(|other| other.fallbacks.contains(hop));
                    if !fallback {
                        assert_eq!(
                            remembered,
                            with_hop.all(|route| own(&route)),
                            "{} {}",
                            workflow.id,
                            route.id
                        );
                    }
                    denied += usize::from(remembered);
                }
            }
        }
        assert!(denied > 4, "{denied}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        #[test]
        fn the_compiled_policy_fails_what_the_explained_one_denies(catalog in catalogs(), exhausted in any::<bool>()) {
            let today = day("2026-11-24");
            let compiled = CompiledPolicy::compile(&catalog, today);
            let book = Rulebook::new(&catalog);
            let spent = if exhausted { 100 } else { 99 };
            let flags = if exhausted { Flags::BUDGET_EXHAUSTED } else { Flags::default() };
            for workflow in &catalog.workflows {
                for route in &catalog.routes {
                    for hop in route.route().hops() {
                        let alone = Route { id: route.id.clone(), primary: hop.clone(), fallbacks: Vec::new() };
                        let budget = BudgetFacts { limit: Usd(100.into()), spent: Usd(spent.into()) };
                        let asked = Asked { budget: Some(budget), ..Asked::default() };
                        let request = Request::new(&catalog, workflow, &alone, (Phase::Traffic, today)).with(asked);
                        let explained = book.decide(&request);
                        let workflow_ix = compiled.workflow_ix(workflow.id.as_str()).unwrap();
                        let hop_ix = compiled.hop_ix(&hop.provider, &hop.model, hop.region.as_deref()).unwrap();
                        let mask = compiled.failed_controls(workflow_ix, hop_ix, flags);
                        prop_assert_eq!(mask, explained.failed_mask(), "{:#?}", explained.findings);
                        prop_assert_eq!(mask == 0, explained.decision == crate::policy::Answer::Permit);
                    }
                }
            }
        }
    }
}

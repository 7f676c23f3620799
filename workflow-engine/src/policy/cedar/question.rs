//! A request of the policy as Cedar reads it: facts as attributes, what is not known left out, all numbers whole.

use std::{
    collections::{HashMap, HashSet},
    str::FromStr as _,
    sync::LazyLock,
};

use cedar_policy::{
    Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, Request as CedarRequest,
    RestrictedExpression as Expression,
};
use rust_decimal::{Decimal, prelude::ToPrimitive as _};

use super::CedarFault;
use crate::{
    policy::{
        BudgetFacts, BudgetState, Phase, Request,
        request::{HopFacts, Known, WorkflowFacts},
        rules::budget::projected,
    },
    shadow::analysis::report::{Outcome, Verdict},
    values::Usd,
};

/// One hop of a request, ready to be asked about.
pub(super) struct Question {
    pub(super) request: CedarRequest,
    pub(super) entities: Entities,
}

/// The question about `hop`.
pub(super) fn question(request: &Request, hop: &HopFacts) -> Result<Question, CedarFault> {
    let principal = uid("Workflow", &request.workflow.id);
    let resource = uid("Route", &request.route);
    let context = Context::from_pairs(change(request)).map_err(CedarFault::of)?;
    let entities = [
        entity(
            &principal,
            workflow(&request.workflow),
            parents(&request.workflow),
        )?,
        entity(
            &resource,
            route(request, hop),
            HashSet::from([uid("Vendor", &hop.hop.provider)]),
        )?,
    ];
    Ok(Question {
        request: CedarRequest::new(principal, action(request.phase), resource, context, None)
            .map_err(CedarFault::of)?,
        entities: Entities::from_entities(entities, None).map_err(CedarFault::of)?,
    })
}

#[expect(
    clippy::expect_used,
    reason = "the names are compiled in and a test makes each"
)]
static TYPES: LazyLock<HashMap<&str, EntityTypeName>> = LazyLock::new(|| {
    let names = ["Workflow", "Route", "Team", "CostCenter", "Vendor", "Action"];
    let typed = |name| EntityTypeName::from_str(&format!("Gov::{name}")).expect("a valid name");
    names.map(|name| (name, typed(name))).into_iter().collect()
});

/// The id of an entity, such as `Gov::Route::"gpt-4o-0806"`.
pub(super) fn uid(kind: &'static str, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(TYPES[kind].clone(), EntityId::new(id))
}

/// The action of a phase.
pub(super) fn action(phase: Phase) -> EntityUid {
    let word = match phase {
        Phase::Admission => "admission",
        Phase::Full => "full",
        Phase::Traffic => "traffic",
    };
    uid("Action", word)
}

/// What a workflow belongs to.
pub(super) fn parents(workflow: &WorkflowFacts) -> HashSet<EntityUid> {
    let team = workflow.team.as_ref().map(|team| uid("Team", team));
    team.into_iter()
        .chain([uid("CostCenter", &workflow.cost_center)])
        .collect()
}

fn entity(
    uid: &EntityUid,
    attributes: Attributes,
    parents: HashSet<EntityUid>,
) -> Result<Entity, CedarFault> {
    Entity::new(uid.clone(), attributes.0, parents).map_err(CedarFault::of)
}

/// Attributes under their names; what is not known is not there.
#[derive(Default)]
struct Attributes(HashMap<String, Expression>);

impl Attributes {
    fn text(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0
            .insert(name.to_owned(), Expression::new_string(value.into()));
        self
    }

    fn flag(mut self, name: &str, value: bool) -> Self {
        self.0.insert(name.to_owned(), Expression::new_bool(value));
        self
    }

    fn whole(mut self, name: &str, value: i64) -> Self {
        self.0.insert(name.to_owned(), Expression::new_long(value));
        self
    }

    fn texts<'a>(mut self, name: &str, values: impl IntoIterator<Item = &'a String>) -> Self {
        let values = values
            .into_iter()
            .map(|value| Expression::new_string(value.clone()));
        self.0.insert(name.to_owned(), Expression::new_set(values));
        self
    }

    fn if_known<T>(self, value: Option<T>, add: impl FnOnce(Self, T) -> Self) -> Self {
        match value {
            Some(value) => add(self, value),
            None => self,
        }
    }
}

impl IntoIterator for Attributes {
    type Item = (String, Expression);
    type IntoIter = std::collections::hash_map::IntoIter<String, Expression>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

fn workflow(facts: &WorkflowFacts) -> Attributes {
    let attributes = Attributes::default()
        .text("id", &facts.id)
        .text("cost_center", &facts.cost_center)
        .text("owner", &facts.owner)
        .text("risk", facts.risk.as_str())
        .texts("regions", &facts.regions)
        .flag("needs_tools", facts.needs_tools)
        .if_known(facts.team.as_ref(), |it, team| it.text("team", team))
        .if_known(facts.needs_context_tokens, |it, tokens| {
            it.whole("needs_context_tokens", clamped(tokens))
        })
        .if_known(facts.latency_p95_ms, |it, target| {
            it.whole("latency_p95_ms", clamped(target))
        });
    let Some(class) = &facts.class else {
        return attributes;
    };
    let record = Attributes::default()
        .text("id", &class.id)
        .whole("rank", clamped(facts.class_rank as u64))
        .flag("training_allowed", class.training_allowed)
        .texts("regions", &class.regions)
        .texts("certifications", &class.certifications)
        .if_known(class.max_retention_days, |it, days| {
            it.whole("max_retention_days", days.into())
        });
    attributes.if_known(Expression::new_record(record).ok(), |mut it, record| {
        it.0.insert("data_class".to_owned(), record);
        it
    })
}

fn route(request: &Request, hop: &HopFacts) -> Attributes {
    let model = hop.model.as_ref();
    let held = hop
        .certifications
        .iter()
        .filter(|(_, known)| matches!(known, Known::Is(true, _)));
    Attributes::default()
        .text("id", &request.route)
        .whole("hop", clamped(hop.index as u64))
        .text("provider", &hop.hop.provider)
        .text("model", &hop.hop.model)
        .flag("provider_allowed", hop.provider_allowed)
        .flag("model_forbidden", hop.forbidden)
        .flag("model_listed", model.is_some())
        .flag("model_pinned", model.is_some_and(|model| model.pinned))
        .flag("tools", model.is_some_and(|model| model.tools))
        .texts("certifications", held.map(|(name, _)| name))
        .if_known(hop.hop.region.as_ref(), |it, region| it.text("region", region))
        .if_known(model.and_then(|model| model.retires), |it, day| {
            it.whole("days_to_retirement", (day - request.today).num_days())
        })
        .if_known(model.and_then(|model| model.context_tokens), |it, tokens| {
            it.whole("context_tokens", clamped(tokens))
        })
        .if_known(hop.retention_days.known(), |it, days| {
            it.whole("retention_days", (*days).into())
        })
        .if_known(hop.trains.known(), |it, trains| it.flag("trains", *trains))
        .if_known(hop.residency.known(), |it, regions| {
            it.texts("residency", regions)
        })
        .if_known(hop.contract.known(), |it, signed| it.flag("contract", *signed))
}

fn change(request: &Request) -> Attributes {
    let measured = request.measured.as_ref();
    let cost = measured.and_then(|measured| measured.report.cost.as_ref());
    let upper = measured.and_then(|measured| measured.report.latency.as_ref()?.p95.candidate.2);
    Attributes::default()
        .flag("proposable", request.proposable)
        .whole("min_days_to_retirement", request.min_days_to_retirement)
        .text("budget", state(request.budget.as_ref()))
        .text("cost_center_budget", state(request.cost_center_budget.as_ref()))
        .text("projected_spend", spend(request))
        .flag(
            "surely_saves",
            measured.is_some_and(|measured| measured.surely_saves()),
        )
        .flag("claims_savings", request.claims_savings)
        .text("evidence", evidence(request))
        .flag("accept_inconclusive", request.accept_inconclusive)
        .flag("accept_not_eligible", request.accept_not_eligible)
        .text(
            "cost",
            cost.filter(|cost| cost.ratio.is_some())
                .map_or("unknown", |cost| match cost.outcome {
                    Outcome::NonInferior => "lower",
                    Outcome::Inferior => "higher",
                    Outcome::Inconclusive => "inconclusive",
                }),
        )
        .if_known(cost.and_then(|cost| cost.ratio), |it, ratio| {
            it.whole("cost_ratio_ppm", (ratio * 1e6).round() as i64)
        })
        // A whole target is passed by the upper limit exactly when it is passed by the next whole millisecond.
        .if_known(upper, |it, upper| it.whole("latency_p95_ms", upper.ceil() as i64))
        .if_known(request.monthly_now.and_then(micros), |it, now| {
            it.whole("monthly_now_micros", now)
        })
        .if_known(projected(request).and_then(micros), |it, then| {
            it.whole("monthly_then_micros", then)
        })
}

fn state(budget: Option<&BudgetFacts>) -> &'static str {
    match budget.map(BudgetFacts::state) {
        None => "none",
        Some(BudgetState::Ok) => "ok",
        Some(BudgetState::Warn) => "warn",
        Some(BudgetState::Exhausted) => "exhausted",
    }
}

fn spend(request: &Request) -> &'static str {
    match (projected(request), &request.budget) {
        (Some(then), Some(budget)) if then > budget.limit => "over",
        (Some(_), Some(_)) => "within",
        _ => "unknown",
    }
}

fn evidence(request: &Request) -> &'static str {
    let Some(measured) = &request.measured else {
        return "none";
    };
    if (request.today - measured.on).num_days() > request.evidence_days {
        return "stale";
    }
    match measured.report.verdict {
        Verdict::Eligible => "eligible",
        Verdict::NotEligible => "not_eligible",
        Verdict::Inconclusive => "inconclusive",
    }
}

fn micros(amount: Usd) -> Option<i64> {
    amount.0.checked_mul(Decimal::from(1_000_000))?.round().to_i64()
}

/// A count as Cedar's whole numbers hold it.
fn clamped(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

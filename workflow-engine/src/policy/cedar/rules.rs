//! The organisation's own rules: Cedar text, read strictly, and cut to those that can apply to a workflow.

use std::collections::HashMap;

use cedar_policy::{ActionConstraint, Effect, EntityUid, Policy, PolicyId, PolicySet, PrincipalConstraint};

use super::{
    CedarFault, Said, ask,
    question::{action, parents, question, uid},
    read::{RuleFault, read},
    shipped,
    unmet::unmet,
};
use crate::policy::{
    Phase, Request,
    request::{HopFacts, WorkflowFacts},
};

/// A rule of the organisation.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its `@id`.
    pub id: String,
    /// Whether it permits; else it forbids.
    pub permits: bool,
    /// Its `@says`: what a person reads when it stands against a route.
    pub says: Option<String>,
    /// Its `@remedy`: what would change that.
    pub remedy: Option<String>,
    /// Its `@control`: ids of the governance controls that it gives evidence for.
    pub controls: Vec<String>,
    pub(super) policy: Policy,
}

/// All rules of a catalog.
#[derive(Clone, Debug, Default)]
pub struct OwnRules {
    rules: Vec<Rule>,
    /// Rules that name one workflow, team or cost centre, by that name.
    named: HashMap<EntityUid, Vec<usize>>,
    /// Rules for whoever asks.
    general: Vec<usize>,
}

/// The rules that can apply to one workflow in one phase, never the whole set.
#[derive(Clone, Debug)]
pub struct Slice<'a> {
    rules: Vec<&'a Rule>,
    policies: PolicySet,
}

/// What a rule says of a hop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleSaid {
    /// Which rule.
    pub rule: String,
    /// Whether it stands against the hop, or could not be asked.
    pub against: bool,
    /// Why, in plain words.
    pub why: String,
    /// What would change it; empty when it does not stand against the hop.
    pub remedy: String,
}

impl OwnRules {
    /// Reads `text`; no text has no rules.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its line and column, and the nearest known name.
    pub fn parse(text: &str) -> Result<Self, Vec<RuleFault>> {
        let mut own = Self {
            rules: read(text)?,
            ..Self::default()
        };
        for (index, rule) in own.rules.iter().enumerate() {
            match rule.policy.principal_constraint() {
                PrincipalConstraint::Any | PrincipalConstraint::Is(_) => own.general.push(index),
                PrincipalConstraint::Eq(name)
                | PrincipalConstraint::In(name)
                | PrincipalConstraint::IsIn(_, name) => own.named.entry(name).or_default().push(index),
            }
        }
        Ok(own)
    }

    /// Every rule, in the order of the text.
    #[must_use]
    pub fn all(&self) -> &[Rule] {
        &self.rules
    }

    /// The rules that can apply to `workflow` in `phase`. As soon as one of them permits, what none permits is denied;
    /// until then, what nothing forbids is permitted.
    ///
    /// # Errors
    /// [`CedarFault`] when two rules have one id, which reading refuses.
    pub fn slice(&self, workflow: &WorkflowFacts, phase: Phase) -> Result<Slice<'_>, CedarFault> {
        let names = parents(workflow)
            .into_iter()
            .chain([uid("Workflow", &workflow.id)]);
        let mut kept: Vec<usize> = names
            .filter_map(|name| self.named.get(&name))
            .flatten()
            .chain(&self.general)
            .copied()
            .collect();
        kept.sort_unstable();
        let asked = action(phase);
        let rules: Vec<&Rule> = kept
            .into_iter()
            .filter_map(|index| self.rules.get(index))
            .filter(|rule| match rule.policy.action_constraint() {
                ActionConstraint::Any => true,
                ActionConstraint::Eq(named) => named == asked,
                ActionConstraint::In(named) => named.contains(&asked),
            })
            .collect();
        let policies = rules.iter().map(|rule| rule.policy.clone());
        let mut policies = PolicySet::from_policies(policies).map_err(CedarFault::of)?;
        if !rules.iter().any(|rule| rule.permits) {
            let permit = Policy::parse(Some(PolicyId::new("shipped")), shipped::PERMIT);
            policies
                .add(permit.map_err(CedarFault::of)?)
                .map_err(CedarFault::of)?;
        }
        Ok(Slice { rules, policies })
    }
}

impl Slice<'_> {
    /// Whether there is nothing to ask.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether the rules permit `hop` of `request`. What cannot be asked or answered is denied.
    #[must_use]
    pub fn permits(&self, request: &Request, hop: &HopFacts) -> bool {
        self.is_empty()
            || question(request, hop).is_ok_and(|question| ask(&self.policies, &question).permitted)
    }

    /// What each rule says of `hop`, in the order of the text.
    ///
    /// # Errors
    /// [`CedarFault`] when they cannot be asked, or one of them cannot be evaluated: then it is denied.
    pub fn explain(&self, request: &Request, hop: &HopFacts) -> Result<Vec<RuleSaid>, CedarFault> {
        let question = question(request, hop)?;
        let said = ask(&self.policies, &question);
        if let Some(error) = said.errors.first() {
            return Err(CedarFault::of(error));
        }
        self.rules
            .iter()
            .map(|rule| {
                let holds = said.determining.contains(&rule.id);
                let against = if rule.permits {
                    lacks_permit(&said)
                } else {
                    holds && !said.permitted
                };
                let unmet = match against && rule.permits {
                    true => unmet(&rule.policy, &question)?,
                    false => Vec::new(),
                };
                Ok(rule.said(against, holds, &unmet))
            })
            .collect()
    }
}

/// Whether it is denied because nothing permits it.
fn lacks_permit(said: &Said) -> bool {
    !said.permitted && said.determining.is_empty()
}

impl Rule {
    fn said(&self, against: bool, holds: bool, unmet: &[String]) -> RuleSaid {
        let id = &self.id;
        let own = |text: &Option<String>, usual: String| text.clone().unwrap_or(usual);
        let why = match (against, self.permits) {
            (false, true) if holds => format!("The rule {id} permits it."),
            (false, true) => format!("The rule {id} need not permit it; another does, or one forbids it."),
            (false, false) => format!("The rule {id} does not stand against it."),
            (true, false) => own(&self.says, format!("The rule {id} forbids it.")),
            (true, true) if unmet.is_empty() => format!("The rule {id} would permit only what it names."),
            (true, true) => format!(
                "The rule {id} would permit it, but this does not hold: {}.",
                unmet.join("; ")
            ),
        };
        RuleSaid {
            rule: id.clone(),
            against,
            why,
            remedy: match against {
                true => own(
                    &self.remedy,
                    "Choose another route, or have the rule changed.".to_owned(),
                ),
                false => String::new(),
            },
        }
    }
}

/// The effect of a policy as a word.
pub(super) fn permits(policy: &Policy) -> bool {
    policy.effect() == Effect::Permit
}

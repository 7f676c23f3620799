//! The rules of one catalog, shipped and its own, ready to be asked: what decided, and why.

use chrono::NaiveDate;

use super::{
    cedar::{
        CedarFault,
        rules::{OwnRules, Rule, RuleSaid, Slice},
    },
    change::Review,
    controls::Governance,
    decision::{Answer, Decision, Finding, Ground, HopName, Outcome, Ruling},
    facts,
    request::{HopFacts, Phase, Request, WorkflowFacts},
    rules,
};
use crate::{
    catalog::Catalog,
    values::{Digest, Hop},
};

/// Raised when a native control changes its meaning.
const NATIVE: &str = "native/2";

/// The rules of one catalog, with their digests taken once.
#[derive(Clone, Debug)]
pub struct Rulebook<'a> {
    /// The catalog.
    pub catalog: &'a Catalog,
    catalog_sha256: Digest,
    policy_sha256: Digest,
    controls_sha256: Digest,
    engine: String,
    /// Rules that cannot be read deny everything: an applied catalog was checked, so it was changed by other ways.
    own: Result<OwnRules, CedarFault>,
}

/// The organisation's rules for one workflow in one phase.
pub type OwnSlice<'a> = Result<Slice<'a>, CedarFault>;

impl<'a> Rulebook<'a> {
    /// The rules of `catalog`. Reading a thousand own rules takes about a tenth of a second: keep it.
    #[must_use]
    pub fn new(catalog: &'a Catalog) -> Self {
        let mut policy = catalog.policy.clone();
        (policy.last_editor, policy.last_edited_at) = (None, None);
        let engine = format!(
            "{NATIVE} cedar/{} language/{}",
            cedar_policy::get_sdk_version(),
            cedar_policy::get_lang_version()
        );
        // All of it is text, finite numbers and lists, which always have a canonical form.
        let controls = Digest::of_json(&catalog.governance()).unwrap_or_else(|_| Digest::of(&[]));
        let digest = Digest::of_json(&(NATIVE, &policy, &catalog.data_classes, controls));
        Self {
            catalog,
            catalog_sha256: catalog.digest(),
            policy_sha256: digest.unwrap_or_else(|_| Digest::of(&[])),
            controls_sha256: controls,
            engine,
            own: OwnRules::parse(&catalog.policy.rules).map_err(|faults| CedarFault::unreadable(&faults)),
        }
    }

    /// Digest of the rules: policy, data classes and control table.
    #[must_use]
    pub fn policy_sha256(&self) -> Digest {
        self.policy_sha256
    }

    /// The organisation's own rules; none where they cannot be read.
    #[must_use]
    pub fn own_rules(&self) -> &[Rule] {
        self.own.as_ref().map_or(&[], OwnRules::all)
    }

    /// The organisation's rules that can apply to `workflow` in `phase`.
    ///
    /// # Errors
    /// When they cannot be read: everything is denied then.
    pub fn slice(&self, workflow: &WorkflowFacts, phase: Phase) -> OwnSlice<'_> {
        self.own.as_ref().map_err(Clone::clone)?.slice(workflow, phase)
    }

    /// Answers `request`: permit only when every control that its phase asks, and every rule of the organisation, lets
    /// every hop pass.
    #[must_use]
    pub fn decide(&self, request: &Request) -> Decision {
        self.decide_with(&self.slice(&request.workflow, request.phase), request)
    }

    /// The same with the organisation's rules for the request's workflow and phase already at hand.
    #[must_use]
    pub fn decide_with(&self, own: &OwnSlice<'_>, request: &Request) -> Decision {
        let mut findings = self.shipped(request);
        findings.extend(self.own(own, request));
        let versions = (Some(request.workflow.sha256), Some(request.route_sha256));
        let decision = self.conclude((request.phase, request.today), versions, findings);
        Decision {
            facts: facts::relied_on(self.catalog, request),
            ..decision
        }
    }

    /// What a change of the policy to this one would decide differently, as a decision that people read and vote on: it
    /// permits, for whether to accept that is theirs to say.
    #[must_use]
    pub fn reviewed(&self, review: &Review, today: NaiveDate) -> Decision {
        let mut findings: Vec<Finding> = review
            .lines()
            .map(|(why, _)| self.reviewing("Would be decided differently", why))
            .collect();
        findings.insert(0, self.reviewing("What it would mean", review.meaning()));
        let warned = review.warnings.iter().cloned();
        findings.extend(warned.map(|why| self.reviewing("Warning", why)));
        self.conclude((Phase::Full, today), (None, None), findings)
    }

    fn reviewing(&self, title: &str, why: String) -> Finding {
        Finding {
            control: Ground::Rule("policy-change".to_owned()),
            title: title.to_owned(),
            outcome: Outcome::Pass,
            hop: None,
            why,
            remedy: String::new(),
            references: vec!["GOV-CHG-01".to_owned(), "GOV-SOD-02".to_owned()],
        }
    }

    fn conclude(
        &self,
        (phase, today): (Phase, NaiveDate),
        (workflow_sha256, route_sha256): (Option<Digest>, Option<Digest>),
        findings: Vec<Finding>,
    ) -> Decision {
        let denied = findings.iter().any(|finding| finding.outcome != Outcome::Pass);
        let mut determining: Vec<&Ground> = findings
            .iter()
            .filter(|finding| !denied || finding.outcome != Outcome::Pass)
            .map(|finding| &finding.control)
            .collect();
        determining.sort_unstable();
        determining.dedup();
        Decision {
            decision: if denied { Answer::Deny } else { Answer::Permit },
            phase,
            determining: determining
                .into_iter()
                .map(|ground| ground.id().to_owned())
                .collect(),
            cites: self.cites(phase, &findings),
            findings,
            policy_sha256: self.policy_sha256,
            catalog_sha256: self.catalog_sha256,
            controls_sha256: Some(self.controls_sha256),
            workflow_sha256,
            route_sha256,
            engine: self.engine.clone(),
            facts: Vec::new(),
            facts_as_of: today,
        }
    }

    /// What every control that the phase asks says.
    fn shipped(&self, request: &Request) -> Vec<Finding> {
        let mut out = Vec::new();
        for rule in rules::ALL
            .iter()
            .filter(|rule| rule.phases.contains(&request.phase))
        {
            let control = rule.control;
            let ground = (Ground::Control(control), control.title(), control.governance());
            match rule.ask {
                rules::Ask::Hop(ask) => out.extend(
                    request
                        .hops
                        .iter()
                        .map(|hop| self.finding(request, &ground, ask(request, hop), Some(hop))),
                ),
                rules::Ask::Change(ask) => out.push(self.finding(request, &ground, ask(request), None)),
            }
        }
        out
    }

    /// What the organisation's rules say of every hop.
    fn own(&self, own: &OwnSlice<'_>, request: &Request) -> Vec<Finding> {
        let slice = match own {
            Ok(slice) if slice.is_empty() => return Vec::new(),
            Ok(slice) => slice,
            Err(fault) => return vec![self.unasked(request, fault, None)],
        };
        let each = request
            .hops
            .iter()
            .flat_map(|hop| match slice.explain(request, hop) {
                Ok(said) => said
                    .into_iter()
                    .map(|said| self.rule(request, said, hop))
                    .collect(),
                Err(fault) => vec![self.unasked(request, &fault, Some(hop))],
            });
        each.collect()
    }

    fn rule(&self, request: &Request, said: RuleSaid, hop: &HopFacts) -> Finding {
        let ruling = match said.against {
            true => Ruling::fail(said.why, said.remedy),
            false => Ruling::pass(said.why),
        };
        let rule = self.own_rules().iter().find(|rule| rule.id == said.rule);
        let cited: Vec<&str> = rule
            .into_iter()
            .flat_map(|rule| &rule.controls)
            .map(String::as_str)
            .collect();
        let ground = (
            Ground::Rule(said.rule),
            "The organisation's own rule",
            cited.as_slice(),
        );
        self.finding(request, &ground, ruling, Some(hop))
    }

    fn unasked(&self, request: &Request, fault: &CedarFault, hop: Option<&HopFacts>) -> Finding {
        let ruling = Ruling::unknown(
            format!("What the organisation's own rules say is not known: {fault}."),
            "Have the rules put right; `governor catalog diff` checks them.",
        );
        let ground = (
            Ground::Rule("rules".to_owned()),
            "The organisation's own rules",
            &[][..],
        );
        self.finding(request, &ground, ruling, hop)
    }

    fn finding(
        &self,
        request: &Request,
        (ground, title, cited): &(Ground, &str, &[&str]),
        ruling: Ruling,
        hop: Option<&HopFacts>,
    ) -> Finding {
        let mut ids = cited.to_vec();
        if request.phase == Phase::Admission {
            ids.push("GOV-SHD-07");
        }
        if hop.is_some_and(|hop| hop.index > 0) {
            ids.push("GOV-FBK-08");
        }
        let mut references: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
        let known = ids.iter().filter_map(|id| self.governance(id));
        for reference in known.flat_map(|control| &control.refs) {
            if !references.contains(reference) {
                references.push(reference.clone());
            }
        }
        Finding {
            control: ground.clone(),
            title: (*title).to_owned(),
            outcome: ruling.outcome,
            hop: hop.map(|hop| name(hop.index, &hop.hop)),
            why: ruling.why,
            remedy: ruling.remedy,
            references,
        }
    }

    fn governance(&self, id: &str) -> Option<&Governance> {
        self.catalog.governance().iter().find(|control| control.id == id)
    }

    /// The governance controls that a decision gives evidence for: those of its findings, and on a change those of the
    /// way itself (recorded and approved, by several people, kept).
    fn cites(&self, phase: Phase, findings: &[Finding]) -> Vec<Governance> {
        let way: &[&str] = match phase {
            Phase::Traffic => &[],
            _ => &["GOV-CHG-01", "GOV-SOD-02", "GOV-LOG-10"],
        };
        let named = |id: &str| {
            let references = findings.iter().flat_map(|finding| &finding.references);
            way.contains(&id) || references.into_iter().any(|reference| reference == id)
        };
        let table = self.catalog.governance().iter();
        table.filter(|control| named(&control.id)).cloned().collect()
    }
}

fn name(index: usize, hop: &Hop) -> HopName {
    HopName {
        index,
        provider: hop.provider.clone(),
        model: hop.model.clone(),
        region: hop.region.clone(),
    }
}

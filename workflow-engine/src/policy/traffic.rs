//! What the policy says of a call: which controls it fails, and whether anything may be stopped for it.

use std::sync::Arc;

use chrono::NaiveDate;

use super::{CompiledPolicy, Control, Flags, OWN_RULES, Rulebook};
use crate::{catalog::Catalog, values::Digest};

/// The finding of a call to a model that stands in no route of the catalog: nobody has approved it for anything.
pub const UNAPPROVED: &str = "unapproved-route";
/// The finding of a call that the organisation's own rules stand against.
pub const OWN: &str = "own-rules";

/// The policy of one catalog on one day, for calls. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TrafficPolicy {
    compiled: Arc<CompiledPolicy>,
    /// Whether what fails may be stopped; until then it is only reported.
    pub enforce: bool,
    /// Digest of the rules, as decisions name it.
    pub policy_sha256: Digest,
}

/// Where a call went or would go, as far as its reporter says.
#[derive(Clone, Copy, Debug, Default)]
pub struct Called<'a> {
    /// OpenTelemetry's name of the vendor.
    pub provider: &'a str,
    /// Names of the model, the most telling first: a gateway may send an alias upstream whose version only the vendor says.
    pub models: [Option<&'a str>; 2],
    /// Where it was processed. Most reporters do not say.
    pub region: Option<&'a str>,
}

impl TrafficPolicy {
    /// The policy of `catalog` on `day`. With a thousand own rules it takes about a tenth of a second: keep it.
    #[must_use]
    pub fn of(catalog: &Catalog, day: NaiveDate) -> Self {
        Self {
            compiled: Arc::new(CompiledPolicy::compile(catalog, day)),
            enforce: catalog.policy.enforce_traffic,
            policy_sha256: Rulebook::new(catalog).policy_sha256(),
        }
    }

    /// The day whose facts these are.
    #[must_use]
    pub fn day(&self) -> NaiveDate {
        self.compiled.day
    }

    /// Names of what a call of that workflow fails, in the order in which controls are asked; empty when it may go on,
    /// when the catalog has no such workflow, and when no model was reached. A call that does not say its region is given
    /// the best of those that the catalog has for its model.
    #[must_use]
    pub fn findings(&self, workflow: &str, called: &Called<'_>, flags: Flags) -> Vec<&'static str> {
        let models = called.models.iter().flatten();
        let Some(workflow) = self
            .compiled
            .workflow_ix(workflow)
            .filter(|_| models.clone().next().is_some())
        else {
            return Vec::new();
        };
        let hops = models.flat_map(|model| self.compiled.hops_ix(called.provider, model, called.region));
        let failed = hops.map(|hop| self.compiled.failed_controls(workflow, hop, flags));
        match failed.min_by_key(|failed| failed.count_ones()) {
            Some(failed) => names(failed),
            None => vec![UNAPPROVED],
        }
    }
}

/// What a finding asks, as people read it.
#[must_use]
pub fn title(finding: &str) -> &'static str {
    match Control::ALL.iter().find(|control| control.id() == finding) {
        Some(control) => control.title(),
        None if finding == UNAPPROVED => "Sent to a model of an approved route",
        None => "Within the organisation’s own rules",
    }
}

fn names(failed: u16) -> Vec<&'static str> {
    let controls = Control::ALL.iter().filter(|control| failed & control.bit() != 0);
    let own = (failed & OWN_RULES != 0).then_some(OWN);
    controls.map(|control| control.id()).chain(own).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::sample::sample;

    fn findings(policy: &TrafficPolicy, called: &Called<'_>) -> String {
        policy
            .findings("support-answer", called, Flags::default())
            .join(" ")
    }

    fn openai(model: &str) -> Called<'_> {
        Called {
            provider: "openai",
            models: [Some(model), None],
            region: None,
        }
    }

    #[test]
    fn a_call_is_told_what_it_fails_by_the_names_that_people_know() {
        let mut catalog = sample();
        let day = "2026-11-24".parse().unwrap();
        let policy = TrafficPolicy::of(&catalog, day);
        assert_eq!(findings(&policy, &openai("gpt-4o-2024-08-06")), "");
        assert_eq!(findings(&policy, &openai("gpt-5-nano")), UNAPPROVED);
        let abroad = Called {
            provider: "azure.ai.openai",
            region: Some("ap"),
            ..openai("gpt-4o-mini-2024-07-18")
        };
        assert_eq!(findings(&policy, &abroad), "residency");
        catalog.policy.rules = "@id(\"stop\") forbid (principal, action, resource);".to_owned();
        let policy = TrafficPolicy::of(&catalog, day);
        assert_eq!(findings(&policy, &openai("gpt-4o-2024-08-06")), OWN);
    }

    #[test]
    fn an_alias_is_read_by_the_version_that_answered_and_a_call_that_reached_no_model_fails_nothing() {
        let policy = TrafficPolicy::of(&sample(), "2026-11-24".parse().unwrap());
        let alias = Called {
            models: [Some("gpt-4o"), Some("gpt-4o-2024-08-06")],
            ..openai("")
        };
        assert_eq!(findings(&policy, &alias), "");
        let refused = Called {
            models: [None, None],
            ..openai("")
        };
        assert_eq!(findings(&policy, &refused), "");
        assert!(policy.findings("unheard-of", &alias, Flags::default()).is_empty());
    }

    #[test]
    fn every_finding_has_its_words() {
        for finding in names(u16::MAX).into_iter().chain([UNAPPROVED]) {
            assert!(!title(finding).is_empty());
        }
        assert_eq!(title("residency"), "Processed in an allowed region");
        assert_ne!(title(UNAPPROVED), title(OWN));
    }
}

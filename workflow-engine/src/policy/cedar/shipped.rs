//! The ten controls as Cedar policies.

use std::sync::LazyLock;

use cedar_policy::{Policy, PolicyId, PolicySet};

use super::{CedarFault, ask, question::question};
use crate::policy::{Control, Request, request::HopFacts};

/// The policy that permits what nothing forbids.
pub(super) const PERMIT: &str = include_str!("controls/permit.cedar");

/// The Cedar text of each control, in the order of [`Control::ALL`].
pub const TEXTS: [(Control, &str); 10] = [
    (Control::Retention, include_str!("controls/retention.cedar")),
    (Control::TrainingUse, include_str!("controls/training-use.cedar")),
    (Control::Residency, include_str!("controls/residency.cedar")),
    (Control::Provider, include_str!("controls/provider.cedar")),
    (
        Control::Certifications,
        include_str!("controls/certifications.cedar"),
    ),
    (
        Control::ModelVersion,
        include_str!("controls/model-version.cedar"),
    ),
    (Control::Capability, include_str!("controls/capability.cedar")),
    (Control::Budget, include_str!("controls/budget.cedar")),
    (Control::Evidence, include_str!("controls/evidence.cedar")),
    (Control::CostClaim, include_str!("controls/cost-claim.cedar")),
];

#[expect(
    clippy::expect_used,
    reason = "the texts are compiled in and a test reads them"
)]
static SHIPPED: LazyLock<PolicySet> = LazyLock::new(|| {
    let controls = TEXTS.iter().map(|(control, text)| (control.id(), *text));
    let policies = controls
        .chain([("shipped", PERMIT)])
        .map(|(id, text)| Policy::parse(Some(PolicyId::new(id)), text).expect("a valid policy"));
    PolicySet::from_policies(policies).expect("different ids")
});

/// All eleven, for those who want to read or analyse them with Cedar's own tools.
#[must_use]
pub fn policies() -> &'static PolicySet {
    &SHIPPED
}

/// Bits ([`Control::bit`]) of the controls that forbid `hop` of `request`; 0 when Cedar permits it.
///
/// # Errors
/// [`CedarFault`] when the question cannot be put or a control cannot be evaluated: then it is denied.
pub fn failed_controls(request: &Request, hop: &HopFacts) -> Result<u16, CedarFault> {
    let said = ask(&SHIPPED, &question(request, hop)?);
    if let Some(error) = said.errors.first() {
        return Err(CedarFault::of(error));
    }
    if said.permitted {
        return Ok(0);
    }
    let failed = Control::ALL
        .iter()
        .filter(|control| said.determining.iter().any(|id| id == control.id()));
    Ok(failed.fold(0, |mask, control| mask | control.bit()))
}

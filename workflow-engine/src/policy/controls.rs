//! The ten native controls, and the governance controls that each gives evidence for.
//!
//! The frameworks behind those stand in `controls.json`, with where they come from; a catalog may have its own table.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// One of the ten native controls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Control {
    /// The vendor keeps data no longer than its class allows.
    Retention,
    /// The vendor does not train on data whose class forbids it.
    TrainingUse,
    /// Data is processed only where its class and its workflow allow.
    Residency,
    /// The provider may be used, and its contract holds.
    Provider,
    /// The vendor has the certifications that the data class asks for.
    Certifications,
    /// The model is listed, pinned, not forbidden and not about to retire.
    ModelVersion,
    /// The model can do what the workflow needs.
    Capability,
    /// The workflow's budget allows it.
    Budget,
    /// A shadow test shows that it is good enough and fast enough.
    Evidence,
    /// A claimed saving is measured, not computed from list prices.
    CostClaim,
}

impl Control {
    /// All ten, in the order in which they are asked.
    pub const ALL: [Self; 10] = [
        Self::Retention,
        Self::TrainingUse,
        Self::Residency,
        Self::Provider,
        Self::Certifications,
        Self::ModelVersion,
        Self::Capability,
        Self::Budget,
        Self::Evidence,
        Self::CostClaim,
    ];

    /// Its name in JSON, in the ledger and in `governor decide`.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Retention => "retention",
            Self::TrainingUse => "training-use",
            Self::Residency => "residency",
            Self::Provider => "provider",
            Self::Certifications => "certifications",
            Self::ModelVersion => "model-version",
            Self::Capability => "capability",
            Self::Budget => "budget",
            Self::Evidence => "evidence",
            Self::CostClaim => "cost-claim",
        }
    }

    /// What it asks, as people read it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Retention => "Kept no longer than the data class allows",
            Self::TrainingUse => "Not trained on",
            Self::Residency => "Processed in an allowed region",
            Self::Provider => "Allowed provider with a contract",
            Self::Certifications => "Certified for the data class",
            Self::ModelVersion => "Pinned, allowed and staying model",
            Self::Capability => "Able to do the work",
            Self::Budget => "Within budget",
            Self::Evidence => "Shown good enough and fast enough",
            Self::CostClaim => "Saving measured",
        }
    }

    /// Its bit in a mask of failed controls.
    #[must_use]
    pub const fn bit(self) -> u16 {
        1 << self as u16
    }

    /// The GOV controls that it gives evidence for.
    #[must_use]
    pub fn governance(self) -> &'static [&'static str] {
        match self {
            Self::Retention | Self::TrainingUse | Self::Residency | Self::Certifications => &["GOV-DAT-06"],
            Self::Provider => &["GOV-DAT-06", "GOV-MOD-05"],
            Self::ModelVersion => &["GOV-MOD-05"],
            Self::Capability => &["GOV-AGT-12"],
            Self::Budget | Self::CostClaim => &["GOV-BUD-09"],
            Self::Evidence => &["GOV-TST-03"],
        }
    }
}

/// A governance control and the references it answers to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Governance {
    /// `GOV-CHG-01` to `GOV-AGT-12`.
    pub id: String,
    /// What it asks.
    pub what: String,
    /// What shows that it is kept.
    #[serde(default)]
    pub evidence: Vec<String>,
    /// Framework references.
    pub refs: Vec<String>,
}

/// The file of the shipped table.
#[derive(Deserialize)]
struct File {
    controls: Vec<Governance>,
}

#[expect(clippy::expect_used, reason = "the file is compiled in and a test reads it")]
static SHIPPED: LazyLock<Vec<Governance>> = LazyLock::new(|| {
    let file: File = serde_json::from_str(include_str!("controls.json")).expect("a valid table");
    file.controls
});

/// The governance controls that packets and findings cite where the catalog has no table of its own.
#[must_use]
pub fn shipped() -> &'static [Governance] {
    &SHIPPED
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_control_cites_governance_controls_that_exist() {
        let governance = |id: &str| shipped().iter().find(|control| control.id == id);
        assert_eq!(shipped().len(), 12);
        for (index, control) in Control::ALL.into_iter().enumerate() {
            assert_eq!(control.bit(), 1 << index);
            assert!(control.governance().iter().all(|id| governance(id).is_some()));
            assert_eq!(serde_json::to_value(control).unwrap(), control.id());
        }
    }
}

//! The ten native controls, and the frameworks that each answers to.
//!
//! Ids and references of the GOV controls are carried over from our control table of November 2026, checked against the FINOS
//! AI Governance Framework (CC BY 4.0), NIST AI RMF 1.0, ISO/IEC 42001:2023 Annex A, SOC 2 (2017, rev. 2022), the EU AI Act,
//! DORA and the OWASP lists of 2025. Labels are ours, no standard's text is copied, and a reference is no claim of compliance.

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Governance {
    /// `GOV-CHG-01` to `GOV-AGT-12`.
    pub id: &'static str,
    /// What it asks.
    pub what: &'static str,
    /// Framework references.
    pub refs: &'static [&'static str],
}

/// The control of that id.
#[must_use]
pub fn governance(id: &str) -> Option<&'static Governance> {
    GOVERNANCE.iter().find(|control| control.id == id)
}

/// The twelve governance controls that packets and findings cite.
pub const GOVERNANCE: [Governance; 12] = [
    Governance {
        id: "GOV-CHG-01",
        what: "Every route change is a recorded, tested, assessed, approved, implemented and verified change",
        refs: &[
            "DORA 9(4)(e)",
            "SOC2 CC8.1",
            "ISO42001 A.6.2.5",
            "NIST-AI-RMF MANAGE 4.1",
            "NIST 800-53 CM-3/CM-4",
            "FINOS AIR-PREV-010",
            "EU-AI-Act 26(5)",
        ],
    },
    Governance {
        id: "GOV-SOD-02",
        what: "Requester cannot approve; platform, security and finance each approve the same packet digest",
        refs: &[
            "SOC2 CC6.3",
            "SOC2 CC5.2",
            "NIST-AI-RMF GOVERN 2.1",
            "NIST-AI-RMF MAP 3.5",
            "EU-AI-Act 14",
            "EU-AI-Act 26(2)",
            "ISO42001 A.3.2",
        ],
    },
    Governance {
        id: "GOV-TST-03",
        what: "Candidate route shown non-inferior on sampled production traces, by stratum, with pre-registered margins",
        refs: &[
            "NIST-AI-RMF MEASURE 2.1",
            "NIST-AI-RMF MEASURE 2.3",
            "NIST-AI-RMF MEASURE 2.5",
            "NIST-AI-RMF MANAGE 1.1",
            "ISO42001 A.6.2.4",
            "FINOS AIR-PREV-005",
            "FINOS AIR-OP-005",
            "FINOS AIR-OP-006",
            "SR 26-2 (principles, by analogy)",
            "SOC2 CC8.1",
        ],
    },
    Governance {
        id: "GOV-JDG-04",
        what: "LLM judge calibrated against human or objective labels, position-swapped, independent of both vendors",
        refs: &[
            "FINOS AIR-DET-015",
            "NIST-AI-RMF MEASURE 1.3",
            "NIST-AI-RMF MEASURE 2.13",
            "ISO42001 A.6.2.4",
        ],
    },
    Governance {
        id: "GOV-MOD-05",
        what: "Only approved model versions (pinned) may serve a workflow",
        refs: &[
            "FINOS AIR-PREV-010",
            "NIST-AI-RMF GOVERN 1.6",
            "NIST-AI-RMF MANAGE 3.1",
            "NIST-AI-RMF MANAGE 3.2",
            "ISO42001 A.10.3",
            "OWASP LLM03:2025",
            "SOC2 CC9.2",
        ],
    },
    Governance {
        id: "GOV-DAT-06",
        what: "Data class ceiling, residency, retention (zero data retention) and no-training terms per route",
        refs: &[
            "FINOS AIR-RC-001",
            "FINOS AIR-PREV-007",
            "OWASP LLM02:2025",
            "NIST-AI-RMF MEASURE 2.10",
            "NIST-AI-RMF GOVERN 6.1",
            "ISO42001 A.7.2",
            "SOC2 C1.1",
            "SOC2 C1.2",
        ],
    },
    Governance {
        id: "GOV-SHD-07",
        what: "Shadow replay itself is policy-checked: production data leaves only to a route allowed for that data class, redacted as required",
        refs: &[
            "FINOS AIR-DET-001",
            "OWASP LLM02:2025",
            "NIST-AI-RMF MEASURE 2.10",
            "SOC2 C1.1",
        ],
    },
    Governance {
        id: "GOV-FBK-08",
        what: "Fallback routes obey the same rules as primaries and are tested",
        refs: &[
            "FINOS AIR-OP-007",
            "NIST-AI-RMF GOVERN 6.2",
            "NIST-AI-RMF MANAGE 2.3",
            "OWASP LLM10:2025",
            "SOC2 A1.1",
        ],
    },
    Governance {
        id: "GOV-BUD-09",
        what: "Budget cap and alert per workflow",
        refs: &[
            "FINOS AIR-DET-009",
            "OWASP LLM10:2025",
            "NIST 800-53 SC-5/SC-6",
            "SOC2 CC7.2",
        ],
    },
    Governance {
        id: "GOV-LOG-10",
        what: "Complete, tamper-evident, time-stamped record, kept for the set period",
        refs: &[
            "EU-AI-Act 12",
            "EU-AI-Act 19",
            "EU-AI-Act 26(6) (>= 6 months)",
            "ISO42001 A.6.2.8",
            "SOC2 CC7.2",
            "NIST 800-53 AU-2/AU-3/AU-9/AU-11",
            "FINOS AIR-DET-004",
            "FINOS AIR-DET-021",
            "SEC 17a-4(f) audit-trail alternative (broker-dealers)",
        ],
    },
    Governance {
        id: "GOV-MON-11",
        what: "After apply: traffic verified on the new route, drift and rollback watched",
        refs: &[
            "NIST-AI-RMF MANAGE 4.1",
            "NIST-AI-RMF MEASURE 2.4",
            "NIST-AI-RMF MANAGE 2.4",
            "ISO42001 A.6.2.6",
            "FINOS AIR-OP-019",
            "EU-AI-Act 26(5)",
            "SOC2 CC4.1",
        ],
    },
    Governance {
        id: "GOV-AGT-12",
        what: "Tool-calling workflows: candidate does not widen tool use, and abstains when no tool applies",
        refs: &[
            "OWASP LLM06:2025",
            "OWASP ASI02 (Agentic Top 10, 2025-12-09)",
            "FINOS AIR-SEC-024",
            "NIST-AI-RMF MEASURE 2.6",
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_control_cites_governance_controls_that_exist() {
        for (index, control) in Control::ALL.into_iter().enumerate() {
            assert_eq!(control.bit(), 1 << index);
            assert!(control.governance().iter().all(|id| governance(id).is_some()));
            assert_eq!(serde_json::to_value(control).unwrap(), control.id());
        }
    }
}

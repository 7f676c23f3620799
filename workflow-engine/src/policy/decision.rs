//! The answer to one question: what decided, what each control says and why, and under which rules.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{
    controls::{Control, Governance},
    facts::StatedFact,
    request::Phase,
};
use crate::values::Digest;

/// The answer to one question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The answer.
    pub decision: Answer,
    /// Which question was asked.
    pub phase: Phase,
    /// Ids of the controls and rules that decided: those that stand against it, or all that were asked.
    pub determining: Vec<String>,
    /// What each control says, hop by hop.
    pub findings: Vec<Finding>,
    /// Digest of the rules: policy, data classes and control table.
    pub policy_sha256: Digest,
    /// Digest of the whole catalog.
    pub catalog_sha256: Digest,
    /// Digest of the table of governance controls.
    #[serde(default)]
    pub controls_sha256: Option<Digest>,
    /// Digest of the workflow's entry: its version.
    #[serde(default)]
    pub workflow_sha256: Option<Digest>,
    /// Digest of the route: its version.
    #[serde(default)]
    pub route_sha256: Option<Digest>,
    /// What evaluated the rules: native controls, Cedar and its language, each with its version.
    #[serde(default)]
    pub engine: String,
    /// The governance controls that it gives evidence for, with their frameworks.
    #[serde(default)]
    pub cites: Vec<Governance>,
    /// Facts about the vendors, each with its document and its last day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<StatedFact>,
    /// The day on which the facts were read.
    pub facts_as_of: NaiveDate,
}

/// Permit or deny; there is no third.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Every control passed.
    Permit,
    /// A control failed, or what it asks is not known.
    Deny,
}

/// What one control says, about one hop or about the change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Which control, or which rule of the organisation.
    pub control: Ground,
    /// What it asks.
    pub title: String,
    /// What came of it.
    pub outcome: Outcome,
    /// The hop, where hops are asked one by one; 0 is the model asked first.
    pub hop: Option<HopName>,
    /// What was found, in plain words.
    pub why: String,
    /// What would change it; empty when it passed.
    pub remedy: String,
    /// GOV controls, then the frameworks that they answer to.
    pub references: Vec<String>,
}

/// What a finding speaks for: a shipped control, or a rule of the organisation by its own name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Ground {
    /// One of the ten.
    Control(Control),
    /// A rule of the organisation; never one of the ten names, which reading refuses.
    Rule(String),
}

impl Ground {
    /// Its name in JSON, in the ledger and in `governor decide`.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Control(control) => control.id(),
            Self::Rule(id) => id,
        }
    }

    /// Its bit in a mask of what failed; the organisation's rules share one.
    #[must_use]
    pub fn bit(&self) -> u16 {
        match self {
            Self::Control(control) => control.bit(),
            Self::Rule(_) => OWN_RULES,
        }
    }
}

/// The bit of the organisation's own rules in a mask of what failed.
pub const OWN_RULES: u16 = 1 << 15;

/// A hop as a finding names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HopName {
    /// 0 for the model asked first.
    pub index: usize,
    /// Whose.
    pub provider: String,
    /// Which.
    pub model: String,
    /// Where.
    pub region: Option<String>,
}

/// What came of a control.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It holds.
    Pass,
    /// It does not hold.
    Fail,
    /// What it asks is not known, or no longer; counts like a failure.
    Unknown,
}

/// What a rule found, before it is filed under its control.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ruling {
    pub(super) outcome: Outcome,
    pub(super) why: String,
    pub(super) remedy: String,
}

impl Ruling {
    pub(super) fn pass(why: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::Pass,
            why: why.into(),
            remedy: String::new(),
        }
    }

    pub(super) fn fail(why: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::Fail,
            why: why.into(),
            remedy: remedy.into(),
        }
    }

    pub(super) fn unknown(why: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::Unknown,
            why: why.into(),
            remedy: remedy.into(),
        }
    }
}

impl Decision {
    /// The findings that stand against it.
    pub fn against(&self) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .filter(|finding| finding.outcome != Outcome::Pass)
    }

    /// Bits of what failed or is unknown ([`Ground::bit`]).
    #[must_use]
    pub fn failed_mask(&self) -> u16 {
        self.against()
            .fold(0, |mask, finding| mask | finding.control.bit())
    }

    /// Everything that stands against it as one sentence each, and what would change it; empty for a permit.
    #[must_use]
    pub fn sentence(&self) -> String {
        let parts: Vec<_> = self
            .against()
            .map(|finding| format!("{} {}", finding.why, finding.remedy))
            .collect();
        parts.join(" ").trim_end().to_owned()
    }

    /// Ids of the governance controls that it gives evidence for.
    pub fn governance(&self) -> impl Iterator<Item = &str> {
        self.cites.iter().map(|control| control.id.as_str())
    }
}

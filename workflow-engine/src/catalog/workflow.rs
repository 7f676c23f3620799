//! A governed AI use and what it is held to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::shadow::Testing;
use crate::values::{Digest, PersonId, Usd, WorkflowId};

/// A governed AI use: who owns it, what data it sees, what may serve it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workflow {
    /// Its id in tags and mapping rules (`support-answer`).
    pub id: WorkflowId,
    /// Shown to people.
    pub name: String,
    /// Who answers for it.
    pub owner: PersonId,
    /// The owning team.
    #[serde(default)]
    pub team: Option<String>,
    /// Where its calls are charged.
    pub cost_center: String,
    /// The class of the data in its prompts, one of `data_classes`.
    pub data_class: String,
    /// Regions in which its data may be processed; empty means any.
    #[serde(default)]
    pub regions: Vec<String>,
    /// The gateway that serves it.
    pub gateway: String,
    /// The name that its callers ask the gateway for.
    pub alias: String,
    /// The route that serves it when the catalog is first applied; approved changes move it on.
    pub route: String,
    /// Routes that may be proposed for it; empty means any of the catalog.
    #[serde(default)]
    pub candidates: Vec<String>,
    /// How much harm a wrong answer does: decides margins and who must agree.
    #[serde(default)]
    pub risk: RiskTier,
    /// Whether its calls need tools.
    #[serde(default)]
    pub needs_tools: bool,
    /// Tokens that its longest prompts take; a model must hold as many.
    #[serde(default)]
    pub needs_context_tokens: Option<u64>,
    /// 95 of 100 calls must be answered within this.
    #[serde(default)]
    pub latency_p95_ms: Option<u64>,
    /// Margins of its own, before the tier's.
    #[serde(default)]
    pub margins: Option<Margins>,
    /// Which attribute of a recorded call names its kind of request, and which kinds are material.
    #[serde(default)]
    pub strata: Strata,
    /// How its changes are tested.
    #[serde(default)]
    pub shadow: Testing,
    /// Who last edited this entry: barred from approving its changes. Filled in when the catalog is applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_editor: Option<PersonId>,
    /// When that was. Filled in when the catalog is applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_edited_at: Option<chrono::DateTime<chrono::Utc>>,
}

impl Workflow {
    /// The digest of its entry, whoever edited it last: its version in decisions.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut plain = self.clone();
        (plain.last_editor, plain.last_edited_at) = (None, None);
        // An entry is text, finite numbers and lists, which always have a canonical form.
        Digest::of_json(&plain).unwrap_or_else(|_| Digest::of(self.id.as_str().as_bytes()))
    }
}

/// Kinds of request, told apart in the shadow test.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Strata {
    /// Prefix of the tag that names the kind (`kind:`).
    pub tag_prefix: Option<String>,
    /// Kinds that are shown but do not decide.
    pub immaterial: Vec<String>,
    /// Share of each kind in production, as proportions that sum to 1; none means the shares of the recorded calls.
    pub weights: BTreeMap<String, f64>,
    /// Each kind in a person's words (`relevance` = `no tool applies`).
    pub words: BTreeMap<String, String>,
}

/// How much harm a wrong answer does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RiskTier {
    /// Internal help, easily corrected.
    Low,
    /// The usual.
    #[default]
    Standard,
    /// Customers, money or health depend on it.
    Critical,
}

impl RiskTier {
    /// The word in JSON and in the catalog.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Standard => "standard",
            Self::Critical => "critical",
        }
    }
}

/// How much worse a candidate may be, as proportions; more names than these are checks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Margins {
    /// Of all answers.
    pub quality: f64,
    /// Of the answers of one kind of request.
    pub stratum_quality: f64,
    /// Candidate's 95th percentile ÷ today's.
    pub latency_p95_ratio: f64,
    /// Candidate's cost ÷ today's, where the change claims savings.
    pub cost_ratio: f64,
    /// Margins of single checks.
    #[serde(flatten)]
    pub checks: BTreeMap<String, f64>,
}

impl Default for Margins {
    /// Those of `governor analyze` (surfaces.md §3).
    fn default() -> Self {
        Self {
            quality: 0.05,
            stratum_quality: 0.10,
            latency_p95_ratio: 1.25,
            cost_ratio: 1.0,
            checks: BTreeMap::new(),
        }
    }
}

/// A step of the ladder of data classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataClass {
    /// `public`, `internal`, `confidential`, `restricted`.
    pub id: String,
    /// Shown to people.
    pub name: String,
    /// Longest time a vendor may keep such data, in days; none means any.
    #[serde(default)]
    pub max_retention_days: Option<u32>,
    /// Whether a vendor may train on it.
    #[serde(default)]
    pub training_allowed: bool,
    /// Regions in which it may be processed; empty means any.
    #[serde(default)]
    pub regions: Vec<String>,
    /// Certifications a vendor needs for it.
    #[serde(default)]
    pub certifications: Vec<String>,
    /// Groups whose members may read such prompts in the evidence, beside the workflow's owner and security.
    #[serde(default)]
    pub cleared: Vec<String>,
}

/// Where money is charged to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CostCenter {
    /// `CC-4100`.
    pub id: String,
    /// Shown to finance.
    pub name: String,
    /// Who answers for it.
    #[serde(default)]
    pub owner: Option<PersonId>,
}

/// How a call gets its workflow. Every field that is given must match; `workflow` may be `$1`, what `*` stood for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MappingRule {
    /// The rule's name, stored with each call it matched.
    pub name: String,
    /// A tag, `*` standing for anything (`workflow:*`).
    pub tag: Option<String>,
    /// The name that the span or its nearest ancestor gives (`gen_ai.workflow.name` and its kin), `*` for anything.
    pub span_workflow: Option<String>,
    /// The alias asked for.
    pub alias: Option<String>,
    /// The gateway's team.
    pub team: Option<String>,
    /// The virtual key's alias.
    pub key_alias: Option<String>,
    /// The source that delivered the call.
    pub source: Option<String>,
    /// The workflow, or `$1`.
    pub workflow: String,
}

/// A monthly limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// The workflow it holds for; or else a cost centre.
    #[serde(default)]
    pub workflow: Option<WorkflowId>,
    /// The cost centre it holds for.
    #[serde(default)]
    pub cost_center: Option<String>,
    /// Dollars a calendar month in the company's time zone.
    pub monthly_usd: Usd,
    /// Shares of the limit at which people are told, in percent.
    #[serde(default = "thresholds")]
    pub thresholds_percent: Vec<u32>,
}

fn thresholds() -> Vec<u32> {
    vec![50, 80, 100]
}

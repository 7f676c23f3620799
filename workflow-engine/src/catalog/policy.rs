//! What the controls compare with, and who must agree.

use serde::{Deserialize, Serialize};

use super::workflow::RiskTier;
use crate::values::{PersonId, Role, Usd};

/// Company-wide policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PolicySettings {
    /// Providers that may be used at all; empty means any vendor of the catalog.
    pub allowed_providers: Vec<String>,
    /// Models that may not be used, by name.
    pub forbidden_models: Vec<String>,
    /// A model that retires within so many days may not be chosen.
    pub min_days_to_retirement: i64,
    /// How old evidence may be when a change is applied, in days.
    pub evidence_days: i64,
    /// Most dollars that one shadow test may spend.
    pub shadow_budget_usd: Usd,
    /// Risk tiers in which a test that cannot tell yet (`inconclusive`) may go to the approvers.
    pub accept_inconclusive: Vec<RiskTier>,
    /// Tiers in which people may decide although the test says no; the card and the packet then say so first.
    pub accept_not_eligible: Vec<RiskTier>,
    /// Fewest replayed pairs for a verdict.
    pub shadow_min_pairs: u32,
    /// Most pairs that one shadow test replays.
    pub shadow_max_pairs: u32,
    /// Whether a used-up budget of the cost centre stops changes and calls like the workflow's own; while false people are
    /// only told.
    pub cost_center_budgets: bool,
    /// Whether traffic outside the approved set is blocked or only reported.
    pub enforce_traffic: bool,
    /// The organisation's own rules: Cedar text, each policy with its `@id`. Checked strictly when a catalog is read.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub rules: String,
    /// Whether the policy (this part, approval rules, data classes, controls) may be changed by an approved change only.
    pub change_needs_approval: bool,
    /// Roles whose vote is kept when their inputs did not change in a new revision.
    pub keep_votes: Vec<Role>,
    /// Who last edited the policy: barred from approving for `editor_barred_days`. Filled in when the catalog is applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_editor: Option<PersonId>,
    /// When that was. Filled in when the catalog is applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_edited_at: Option<chrono::DateTime<chrono::Utc>>,
    /// Days for which the last editor is barred.
    pub editor_barred_days: i64,
}

impl Default for PolicySettings {
    fn default() -> Self {
        Self {
            allowed_providers: Vec::new(),
            forbidden_models: Vec::new(),
            min_days_to_retirement: 90,
            evidence_days: 30,
            shadow_budget_usd: Usd(rust_decimal::Decimal::from(25)),
            accept_inconclusive: Vec::new(),
            accept_not_eligible: Vec::new(),
            shadow_min_pairs: 100,
            shadow_max_pairs: 1_240,
            cost_center_budgets: false,
            enforce_traffic: false,
            rules: String::new(),
            change_needs_approval: false,
            keep_votes: Vec::new(),
            last_editor: None,
            last_edited_at: None,
            editor_barred_days: 7,
        }
    }
}

/// Who must agree, by risk tier, and how long they have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ApprovalRules {
    /// One rule a tier; a tier without a rule takes the next stricter one.
    pub tiers: Vec<TierRule>,
    /// Who must agree to a change of the policy; empty means one of security and one of platform.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policy: Vec<SlotRule>,
    /// Hours from the sealing of the packet to expiry.
    pub deadline_hours: i64,
    /// Hours after which silent approvers are reminded.
    pub remind_hours: i64,
    /// Hours after which the escalation people of a group may decide too.
    pub escalate_hours: i64,
    /// Hours for which an emergency change may live without its review.
    pub break_glass_hours: i64,
    /// Days for which an approval may be applied.
    pub approval_days: i64,
    /// Hours of grace in which calls may still arrive on the old route after a change was applied.
    pub grace_hours: i64,
    /// Whether the change is applied as soon as it is approved, or waits for a person's word.
    pub apply_when_approved: bool,
}

impl Default for ApprovalRules {
    fn default() -> Self {
        Self {
            tiers: Vec::new(),
            policy: Vec::new(),
            deadline_hours: 72,
            remind_hours: 24,
            escalate_hours: 48,
            break_glass_hours: 24,
            approval_days: 14,
            grace_hours: 24,
            apply_when_approved: true,
        }
    }
}

/// The slots of one tier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TierRule {
    /// The tier.
    pub tier: RiskTier,
    /// All of them must be filled.
    pub slots: Vec<SlotRule>,
}

/// One slot: a role, and how many of its people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlotRule {
    /// Whose agreement.
    pub role: Role,
    /// The group that may give it; for `owner` the workflow's owner when left out.
    #[serde(default)]
    pub group: Option<String>,
    /// How many different people.
    #[serde(default = "one")]
    pub needed: u32,
    /// Everybody in the group, whatever `needed` says.
    #[serde(default)]
    pub all: bool,
}

fn one() -> u32 {
    1
}

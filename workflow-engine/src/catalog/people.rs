//! People and the groups that may approve.

use serde::{Deserialize, Serialize};

use crate::values::{PersonId, Role};

/// Somebody who may act. Only the id goes into the ledger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Opaque id.
    pub id: PersonId,
    /// Shown on cards and pages.
    pub name: String,
    /// For mail and for matching where the owner of the installation allows it.
    #[serde(default)]
    pub email: Option<String>,
    /// The Slack user that was linked to this person (`U…`); acting in chat needs it.
    #[serde(default)]
    pub slack: Option<String>,
    /// Until when approvals go to somebody else, and to whom.
    #[serde(default)]
    pub away: Option<Away>,
    /// No longer with the company: may not act, sessions end.
    #[serde(default)]
    pub inactive: bool,
}

/// Out of office.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Away {
    /// The last day away.
    pub until: chrono::NaiveDate,
    /// Who decides meanwhile.
    pub deputy: PersonId,
}

/// People who answer for one role.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// The group's name (`sec-oncall`); shown as `@sec-oncall`.
    pub id: String,
    /// What its members may decide.
    pub role: Role,
    /// Its members.
    pub members: Vec<PersonId>,
    /// Who is asked when the members are silent, away or have stood down.
    #[serde(default)]
    pub escalation: Vec<PersonId>,
}

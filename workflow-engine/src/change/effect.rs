//! The closed list of everything the machine can ask of the service. Each becomes a row of the job table.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::values::{Digest, Revision};

/// What must be done because of an event; written as jobs in the same commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Effect {
    /// Ask the policy whether the data may be shown to the candidate at all.
    CheckAdmission {
        /// Of which edition.
        revision: Revision,
    },
    /// Freeze the plan, then replay and judge.
    RunTest {
        /// Of which edition.
        revision: Revision,
    },
    /// Ask the policy about the measured result, seal the packet.
    Assess {
        /// Of which edition.
        revision: Revision,
    },
    /// Bring every copy of the card (thread root, direct messages) to the state as it is.
    RefreshCard,
    /// Say one event in the thread.
    Announce {
        /// Number of the event within the change.
        event: u32,
    },
    /// Tell the approvers that they are asked.
    NotifyApprovers {
        /// In which edition.
        revision: Revision,
    },
    /// Send `remind` when it is time.
    RemindAt {
        /// When.
        at: DateTime<Utc>,
        /// For which edition.
        revision: Revision,
    },
    /// Send `escalate` when it is time.
    EscalateAt {
        /// When.
        at: DateTime<Utc>,
        /// For which edition.
        revision: Revision,
    },
    /// Send `expire` when it is time.
    ExpireAt {
        /// When.
        at: DateTime<Utc>,
        /// For which edition.
        revision: Revision,
    },
    /// Send `apply`.
    StartApply {
        /// The packet that was approved.
        packet: Digest,
    },
    /// Give the gateway the route, or people its instructions.
    ApplyRoute {
        /// The generation of this write.
        generation: u64,
    },
    /// Look whether the gateway's routes and the traffic agree with the approval.
    VerifyTraffic {
        /// Of which generation.
        generation: u64,
    },
    /// Give the gateway the old route back.
    RestoreRoute {
        /// The generation of this write.
        generation: u64,
    },
    /// Roll back unless the emergency was reviewed.
    ReviewBreakGlassAt {
        /// When.
        at: DateTime<Utc>,
    },
}

impl Effect {
    /// The job's kind.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::CheckAdmission { .. } => "check_admission",
            Self::RunTest { .. } => "run_test",
            Self::Assess { .. } => "assess",
            Self::RefreshCard => "refresh_card",
            Self::Announce { .. } => "announce",
            Self::NotifyApprovers { .. } => "notify_approvers",
            Self::RemindAt { .. } => "remind",
            Self::EscalateAt { .. } => "escalate",
            Self::ExpireAt { .. } => "expire",
            Self::StartApply { .. } => "start_apply",
            Self::ApplyRoute { .. } => "apply_route",
            Self::VerifyTraffic { .. } => "verify_traffic",
            Self::RestoreRoute { .. } => "restore_route",
            Self::ReviewBreakGlassAt { .. } => "review_break_glass",
        }
    }

    /// When it is due; none means at once.
    #[must_use]
    pub fn due_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::RemindAt { at, .. }
            | Self::EscalateAt { at, .. }
            | Self::ExpireAt { at, .. }
            | Self::ReviewBreakGlassAt { at } => Some(*at),
            _ => None,
        }
    }
}

//! `[jobs]`: how replicas share the work.

use std::time::Duration;

use serde::Deserialize;

use super::Problem;

/// How replicas share the work.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jobs {
    /// Seconds after which others take over what a replica that died or froze was doing.
    pub lease_seconds: u64,
}

impl Jobs {
    /// How long a claim lasts without a heartbeat.
    #[must_use]
    pub fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_seconds)
    }

    pub(super) fn problem(&self) -> Problem {
        if (3..=600).contains(&self.lease_seconds) {
            return None;
        }
        Some(("jobs.lease_seconds", "it must be 3 to 600".to_owned()))
    }
}

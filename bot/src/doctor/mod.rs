//! What `governor doctor` looks at: settings, files, database, ledger, chat, gateways, vendors; and what it says of each.
//!
//! What is seen and what that means are apart: the judgements are plain functions of what was seen.

mod database;
mod files;
mod outside;
mod postgres;

use serde::Serialize;

use crate::config::Config;

/// How bad something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// As it should be.
    Ok,
    /// Worth knowing.
    Note,
    /// Works, but something could be lost, slow or open.
    Risk,
    /// Does not work, or has lost something already.
    Fault,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Where: `database`, `files`, `ledger`, `chat`, `gateway litellm-main`.
    pub area: String,
    /// How bad it is.
    pub severity: Severity,
    /// What was seen, in one sentence.
    pub what: String,
    /// What to do about it; empty when nothing.
    pub fix: String,
}

impl Finding {
    fn ok(area: &str, what: impl Into<String>) -> Self {
        Self::new(area, Severity::Ok, what, "")
    }

    fn new(area: &str, severity: Severity, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            area: area.to_owned(),
            severity,
            what: what.into(),
            fix: fix.into(),
        }
    }
}

/// Looks at everything that these settings name. Changes nothing; safe beside a running service.
///
/// What cannot be reached is a finding, not an error.
pub async fn examine(config: &Config) -> Vec<Finding> {
    let mut findings = files::examine(config);
    let (found, catalog) = database::examine(config).await;
    findings.extend(found);
    findings.extend(outside::examine(config, catalog.as_deref()).await);
    findings
}

//! `[database]`: where governance and calls are stored.

use serde::Deserialize;

use workflow_engine::store::pooler::POOLED;

use super::Problem;

/// Where governance and calls are stored.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// `sqlite://PATH` or `postgres://…`; empty means SQLite in the data directory.
    pub url: String,
    /// Connections for governance.
    pub max_connections: u32,
    /// Connections for calls on PostgreSQL.
    pub calls_max_connections: u32,
    /// Where calls are stored, when not at the usual place.
    pub calls_url: String,
    /// Whether a pooler between us and PostgreSQL lends connections by the transaction.
    pub transaction_pooling: bool,
}

impl Database {
    /// A URL as the store opens it.
    pub(super) fn marked(&self, url: &str) -> String {
        if !self.transaction_pooling || url.starts_with("sqlite:") {
            return url.to_owned();
        }
        let joint = if url.contains('?') { '&' } else { '?' };
        format!("{url}{joint}{POOLED}")
    }

    pub(super) fn problem(&self) -> Problem {
        for (key, url) in [
            ("database.url", &self.url),
            ("database.calls_url", &self.calls_url),
        ] {
            let known = ["sqlite:", "postgres:", "postgresql:"]
                .iter()
                .any(|scheme| url.starts_with(scheme));
            if !url.is_empty() && !known {
                let why = "it must begin with sqlite:// or postgres://";
                return Some((key, why.to_owned()));
            }
        }
        if self.max_connections < 2 {
            return Some(("database.max_connections", "it must be at least 2".to_owned()));
        }
        None
    }
}

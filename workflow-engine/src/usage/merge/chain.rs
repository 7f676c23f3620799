//! Retries and fallbacks: every row of a chain knows what the caller first asked for.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::usage::call::{Call, Status};

/// Gives each row of a gateway's chain the alias of the chain's first failed row. A gateway that falls back writes
/// the fallback's name on the row that succeeded; only the row that failed still says what was asked for.
pub(super) fn first_aliases(rows: &mut [Call]) {
    let mut first: HashMap<String, (DateTime<Utc>, String)> = HashMap::new();
    for row in rows
        .iter()
        .filter(|row| row.beside.gateway && row.status != Status::Success)
    {
        if let (Some(group), Some(alias)) = (&row.call_group_id, &row.requested_alias) {
            let entry = first
                .entry(group.clone())
                .or_insert_with(|| (row.started_at, alias.clone()));
            if (row.started_at, alias) < (entry.0, &entry.1) {
                *entry = (row.started_at, alias.clone());
            }
        }
    }
    for row in rows.iter_mut().filter(|row| row.beside.gateway) {
        let Some((_, alias)) = row.call_group_id.as_ref().and_then(|group| first.get(group)) else {
            continue;
        };
        if row.requested_alias.as_ref() == Some(alias) {
            continue;
        }
        let said = row.requested_alias.replace(alias.clone());
        if row.beside.parts.is_empty() {
            row.beside.alias = said;
        }
        // What answered may be the alias after all, now that the alias is known.
        if row.response_model.as_ref() == Some(alias) {
            row.response_model = None;
        }
    }
}

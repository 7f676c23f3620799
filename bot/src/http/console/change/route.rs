//! Both routes side by side, hop by hop and field by field.

use serde::Serialize;
use workflow_engine::values::{Hop, Route};

#[derive(Clone, Debug, Serialize)]
pub(super) struct DiffRow {
    field: String,
    before: String,
    after: String,
    changed: bool,
}

/// One field of a hop, as people read it.
type Reading = fn(&Hop) -> String;

/// Both routes, hop by hop and field by field.
pub(super) fn diff(before: &Route, after: &Route) -> Vec<DiffRow> {
    let mut rows = vec![row("Route", &before.id, &after.id)];
    let hops = before.hops().count().max(after.hops().count());
    for index in 0..hops {
        let (old, new) = (before.hops().nth(index), after.hops().nth(index));
        let name = |field: &str| match index {
            0 => field.to_owned(),
            1 => format!("Fallback: {}", field.to_lowercase()),
            _ => format!("Fallback {index}: {}", field.to_lowercase()),
        };
        let text = |hop: Option<&Hop>, read: Reading| hop.map_or_else(|| "none".to_owned(), read);
        let fields: [(&str, Reading); 4] = [
            ("Model", |hop| hop.model.clone()),
            ("Provider", |hop| hop.provider.clone()),
            ("Region", |hop| {
                hop.region.clone().unwrap_or_else(|| "not promised".to_owned())
            }),
            ("Parameters", |hop| {
                let pairs: Vec<_> = hop
                    .parameters
                    .iter()
                    .map(|(key, value)| format!("{key} {value}"))
                    .collect();
                if pairs.is_empty() {
                    "none".to_owned()
                } else {
                    pairs.join(", ")
                }
            }),
        ];
        for (field, read) in fields {
            let row = row(&name(field), &text(old, read), &text(new, read));
            // Fields that neither side sets say nothing.
            if row.before != "none" || row.after != "none" {
                rows.push(row);
            }
        }
    }
    rows
}

fn row(field: &str, before: &str, after: &str) -> DiffRow {
    DiffRow {
        field: field.to_owned(),
        before: before.to_owned(),
        after: after.to_owned(),
        changed: before != after,
    }
}

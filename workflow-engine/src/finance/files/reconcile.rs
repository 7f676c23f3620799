//! `governor reconcile`: group `reconciliation`.

use std::collections::BTreeMap;

use num_traits::Zero;
use serde_json::{Value, json};

use super::node::{FileError, Node};
use crate::finance::exact::{Exact, amount, percent};
use crate::finance::reconcile::{self, Key};

/// Answers a file with `reconciliation` cases.
///
/// # Errors
/// Line and field of what cannot be read.
pub fn reconcile(text: &str) -> Result<Value, FileError> {
    super::groups(text, &[("reconciliation", compared)])
}

fn compared(case: &Node<'_>) -> Result<Value, FileError> {
    let lines = reconcile::reconcile(&side(case, "invoice")?, &side(case, "ledger")?);
    let shown: Vec<Value> = lines
        .iter()
        .map(|line| {
            json!({
                "key": [line.key.0, line.key.1], "invoice": amount(&line.invoice), "ledger": amount(&line.ledger),
                "diff": amount(&line.diff()), "kind": line.kind.name(),
            })
        })
        .collect();
    let invoice: Exact = lines.iter().map(|line| &line.invoice).sum();
    let ledger: Exact = lines.iter().map(|line| &line.ledger).sum();
    let unexplained = &invoice - &ledger;
    Ok(json!({
        "lines": shown, "invoice_total": amount(&invoice), "ledger_total": amount(&ledger),
        "unexplained": amount(&unexplained), "gap_pct": percent(&unexplained, &invoice),
    }))
}

/// One side's amounts; a key that stands there twice is summed.
fn side(case: &Node<'_>, name: &str) -> Result<BTreeMap<Key, Exact>, FileError> {
    let mut amounts: BTreeMap<Key, Exact> = BTreeMap::new();
    for item in case.field(name)?.list()? {
        let [model, meter, cost] = item.items("[model, meter, amount]")?;
        let cost = cost.exact()?;
        let key = (model.text()?, meter.text()?);
        *amounts.entry(key).or_insert_with(Exact::zero) += cost;
    }
    Ok(amounts)
}

//! `governor allocate`: groups `allocation` and `ptu`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::node::{FileError, Node};
use crate::finance::allocation;
use crate::finance::exact::{Exact, amount, percent};

/// Answers a file with `allocation` and `ptu` cases.
///
/// # Errors
/// Line and field of what cannot be read or split.
pub fn allocate(text: &str) -> Result<Value, FileError> {
    super::groups(text, &[("allocation", shares), ("ptu", provisioned)])
}

fn shares(case: &Node<'_>) -> Result<Value, FileError> {
    let total = case.field("total_minor")?.whole()?;
    let node = case.field("weights")?;
    let mut weights: BTreeMap<String, Exact> = BTreeMap::new();
    for item in node.list()? {
        let [id, weight] = item.items("[id, weight]")?;
        if weights.insert(id.text()?, weight.exact()?).is_some() {
            return Err(id.wrong("named once"));
        }
    }
    let parts = allocation::allocate(total, &weights);
    let parts = parts.ok_or_else(|| node.wrong("weights of at least 0 with a sum above 0"))?;
    Ok(json!(parts))
}

fn provisioned(case: &Node<'_>) -> Result<Value, FileError> {
    let mut consumed = BTreeMap::new();
    for (id, hours) in case.field("consumed_ptu_hours")?.object()? {
        consumed.insert(id, hours.exact()?);
    }
    let capacity = case.field("capacity_ptu_hours")?;
    let split = allocation::provisioned(&case.field("fee")?.exact()?, &capacity.exact()?, &consumed);
    let split = split.ok_or_else(|| capacity.wrong("hours above 0, with no use below 0"))?;
    let used: BTreeMap<String, String> = split
        .used
        .iter()
        .map(|(id, part)| (id.clone(), amount(part)))
        .collect();
    Ok(json!({
        "used": used,
        "unused": amount(&split.unused),
        "utilisation_pct": percent(&split.utilisation, &Exact::from_integer(1.into())),
    }))
}

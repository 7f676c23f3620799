//! `governor variance`: groups `pvm`, `driver_tree` and `savings`.

use std::collections::BTreeMap;

use num_traits::Zero;
use serde_json::{Value, json};

use super::node::{FileError, Node};
use crate::finance::exact::{Exact, amount, percent};
use crate::finance::savings::{self, Stratum};
use crate::finance::variance::{self, RouteUse, Row};

/// Answers a file with `pvm`, `driver_tree` and `savings` cases.
///
/// # Errors
/// Line and field of what cannot be read.
pub fn variance(text: &str) -> Result<Value, FileError> {
    super::groups(
        text,
        &[("pvm", pvm), ("driver_tree", driver_tree), ("savings", saved)],
    )
}

fn pvm(case: &Node<'_>) -> Result<Value, FileError> {
    let mut rows = Vec::new();
    for item in case.field("rows")?.list()? {
        let [id, q0, p0, q1, p1] = item.items("[id, quantity, price, new quantity, new price]")?;
        let (q0, q1) = (quantity(&q0)?, quantity(&q1)?);
        rows.push(Row {
            id: id.text()?,
            p0: price(&p0, &q0)?,
            p1: price(&p1, &q1)?,
            q0,
            q1,
        });
    }
    let effects = variance::price_volume_mix(&rows);
    let lines: Vec<Value> = effects
        .lines
        .iter()
        .map(|line| {
            json!({
                "id": line.id, "price": amount(&line.price),
                "volume": amount(&line.volume), "mix": amount(&line.mix),
            })
        })
        .collect();
    let [price, volume, mix] = effects.sums();
    Ok(json!({
        "lines": lines, "price": amount(&price), "volume": amount(&volume), "mix": amount(&mix),
        "new": amount(&effects.new), "discontinued": amount(&effects.discontinued),
        "total": amount(&effects.total()),
    }))
}

fn quantity(node: &Node<'_>) -> Result<Exact, FileError> {
    if node.is_null() {
        Ok(Exact::zero())
    } else {
        node.exact()
    }
}

/// A line without quantity needs no price.
fn price(node: &Node<'_>, quantity: &Exact) -> Result<Exact, FileError> {
    match node.is_null() {
        false => node.exact(),
        true if quantity.is_zero() => Ok(Exact::zero()),
        true => Err(node.wrong("the price of a line that has a quantity")),
    }
}

fn driver_tree(case: &Node<'_>) -> Result<Value, FileError> {
    let tree = variance::driver_tree(&routes(&case.field("p0")?)?, &routes(&case.field("p1")?)?);
    Ok(json!({
        "cost0": amount(&tree.cost0), "cost1": amount(&tree.cost1),
        "volume": amount(&tree.volume), "route_mix": amount(&tree.route_mix),
        "intensity": amount(&tree.intensity), "price": amount(&tree.price), "total": amount(&tree.total()),
    }))
}

fn routes(node: &Node<'_>) -> Result<BTreeMap<String, RouteUse>, FileError> {
    let mut routes = BTreeMap::new();
    for (name, route) in node.object()? {
        let [requests, by_meter] = route.items("[requests, {meter: [quantity a request, price]}]")?;
        let mut meters = BTreeMap::new();
        for (meter, pair) in by_meter.object()? {
            let [quantity, price] = pair.items("[quantity a request, price]")?;
            meters.insert(meter, (quantity.exact()?, price.exact()?));
        }
        let requests = requests.exact()?;
        routes.insert(name, RouteUse { requests, meters });
    }
    Ok(routes)
}

fn saved(case: &Node<'_>) -> Result<Value, FileError> {
    let node = case.field("strata")?;
    let mut strata = Vec::new();
    for item in node.list()? {
        let [id, actual, old, new] = item.items("[id, actual cost, shadow cost old, shadow cost new]")?;
        strata.push(Stratum {
            id: id.text()?,
            actual: actual.exact()?,
            shadow_old: old.exact()?,
            shadow_new: new.exact()?,
        });
    }
    let shadow_cost = match case.optional("shadow_cost")? {
        Some(cost) => cost.exact()?,
        None => Exact::zero(),
    };
    let saved = savings::savings(&strata, &shadow_cost);
    let saved = saved.ok_or_else(|| node.wrong("strata whose new shadow cost is above 0"))?;
    Ok(json!({
        "counterfactual": amount(&saved.counterfactual), "actual": amount(&saved.actual),
        "gross_savings": amount(&saved.gross()), "one_off_shadow_cost": amount(&saved.shadow_cost),
        "net_savings": amount(&saved.net()), "gross_pct": percent(&saved.gross(), &saved.counterfactual),
    }))
}

//! What moved from one week to the next, and why.

use std::collections::BTreeMap;

use num_traits::{Signed, Zero};
use rust_decimal::Decimal;

use super::Inputs;
use crate::finance::charges::{Bearer, charges, totals, within};
use crate::finance::exact::{self, Exact};
use crate::finance::period::{self, Period};
use crate::finance::variance::{DriverTree, RouteUse, driver_tree};
use crate::finance::words::signed;
use crate::usage::rollup::{Key, Sums};
use crate::values::Usd;

/// A workflow that costs more or less than the week before.
#[derive(Clone, Debug, PartialEq)]
pub struct Mover {
    /// Which.
    pub workflow: String,
    /// By how much.
    pub delta: Usd,
    /// Why, in a few words.
    pub why: String,
}

impl Mover {
    /// `support-answer −$6.1k (route change #142)`.
    #[must_use]
    pub fn words(&self) -> String {
        format!("{} {} ({})", self.workflow, signed(self.delta), self.why)
    }
}

/// Workflows that moved by at least 1 % of the week's spend (and $250 where that is little), the largest move first.
#[must_use]
pub fn movers(inputs: &Inputs<'_>) -> Vec<Mover> {
    let zone = inputs.catalog.company.time_zone;
    let charged = charges(
        inputs.rows.iter().map(|(key, sums)| (key, sums)),
        inputs.catalog,
        zone,
    );
    let sums = |period: Period| {
        totals(within(&charged, period), |charge| match &charge.bearer {
            Bearer::Workflow(id) => Some(id.clone()),
            _ => None,
        })
    };
    let (now, before) = (sums(inputs.week), sums(inputs.week.before()));
    let all: Decimal = now
        .values()
        .chain(before.values())
        .map(|total| total.cost.0)
        .sum();
    let least = least(all / Decimal::TWO);
    let mut names: Vec<&String> = now.keys().chain(before.keys()).flatten().collect();
    names.sort();
    names.dedup();
    let mut moved: Vec<Mover> = names
        .into_iter()
        .filter_map(|id| {
            let of = |side: &BTreeMap<Option<String>, crate::finance::charges::Total>| {
                side.get(&Some(id.clone()))
                    .map(|total| total.cost)
                    .unwrap_or_default()
            };
            let delta = of(&now) - of(&before);
            (delta.0.abs() >= least && !delta.0.is_zero()).then(|| Mover {
                workflow: id.clone(),
                delta,
                why: why(inputs, id),
            })
        })
        .collect();
    moved.sort_by(|a, b| {
        b.delta
            .0
            .abs()
            .cmp(&a.delta.0.abs())
            .then_with(|| a.workflow.cmp(&b.workflow))
    });
    moved
}

/// Smaller moves are not worth a sentence.
fn least(week: Decimal) -> Decimal {
    let one_percent = week / Decimal::ONE_HUNDRED;
    match week >= Decimal::from(5_000) {
        true => one_percent.max(Decimal::from(250)),
        false => one_percent,
    }
}

/// A route change of these two weeks, or else the largest driver.
fn why(inputs: &Inputs<'_>, workflow: &str) -> String {
    let both = Period {
        first: inputs.week.before().first,
        last: inputs.week.last,
    };
    let changed = inputs.changes.iter().filter(|change| change.workflow == workflow);
    let applied = changed.filter(|change| change.applied_on.is_some_and(|day| both.contains(day)));
    if let Some(change) = applied.max_by_key(|change| change.applied_on) {
        return format!("route change #{}", change.number);
    }
    let of = |period: Period| routes(inputs, period, |key| key.workflow == workflow);
    let (old, new) = (of(inputs.week.before()), of(inputs.week));
    let requests =
        |side: &BTreeMap<String, RouteUse>| side.values().map(|route| &route.requests).sum::<Exact>();
    let (n0, n1) = (requests(&old), requests(&new));
    if n0.is_zero() {
        return "new this week".to_owned();
    }
    if n1.is_zero() {
        return "no requests this week".to_owned();
    }
    largest(&driver_tree(&old, &new), &n0, &n1)
}

fn largest(tree: &DriverTree, n0: &Exact, n1: &Exact) -> String {
    let drivers = [
        (&tree.volume, "volume"),
        (&tree.route_mix, "mix"),
        (&tree.intensity, "use"),
        (&tree.price, "price"),
    ];
    let (_, name) = drivers.into_iter().fold((&tree.volume, "volume"), |best, next| {
        if next.0.abs() > best.0.abs() { next } else { best }
    });
    match name {
        "mix" => "requests went to other models".to_owned(),
        "use" if tree.intensity.is_negative() => "shorter requests and answers".to_owned(),
        "use" => "longer requests and answers".to_owned(),
        "price" if tree.price.is_negative() => "lower prices".to_owned(),
        "price" => "higher prices".to_owned(),
        _ => requests_changed(n0, n1),
    }
}

/// `18 % more requests`.
fn requests_changed(n0: &Exact, n1: &Exact) -> String {
    let percent = (n1 - n0) / n0 * Exact::from_integer(100.into());
    let word = if percent.is_negative() { "fewer" } else { "more" };
    match exact::plain(&percent.abs(), 0).as_str() {
        "0" => "as many requests".to_owned(),
        percent => format!("{percent} % {word} requests"),
    }
}

/// The whole week against the one before: `More requests +$1.2k, other models −$3.4k, …`. Empty when nothing is there
/// to compare.
#[must_use]
pub fn drivers(inputs: &Inputs<'_>) -> String {
    let (old, new) = (
        routes(inputs, inputs.week.before(), |_| true),
        routes(inputs, inputs.week, |_| true),
    );
    if old.is_empty() || new.is_empty() {
        return String::new();
    }
    let tree = driver_tree(&old, &new);
    let part = |name: &str, amount: &Exact| {
        let amount: Usd = Usd(exact::amount(amount).parse().unwrap_or_default());
        format!("{name} {}", signed(amount))
    };
    format!(
        "Against the week before: {}, {}, {}, {}; together {}.",
        part("number of requests", &tree.volume),
        part("choice of models", &tree.route_mix),
        part("length of requests and answers", &tree.intensity),
        part("prices", &tree.price),
        part("", &tree.total()).trim_start(),
    )
}

/// Live calls of a period by model, each meter with its quantity a request and its price a unit.
fn routes(inputs: &Inputs<'_>, period: Period, which: impl Fn(&Key) -> bool) -> BTreeMap<String, RouteUse> {
    let zone = inputs.catalog.company.time_zone;
    let mut sums: BTreeMap<String, Sums> = BTreeMap::new();
    for (key, row) in inputs.rows {
        if key.kind == "live" && which(key) && period.contains(period::day(key.hour, zone)) {
            sums.entry(format!("{}/{}", key.provider, key.model))
                .or_default()
                .add(row);
        }
    }
    sums.into_iter()
        .map(|(name, sums)| (name, route(&sums)))
        .collect()
}

fn route(sums: &Sums) -> RouteUse {
    let requests = Exact::from_integer(sums.calls.into());
    let [input, read, write, output, reasoning] = sums.meters();
    let parts = [
        (
            "input",
            input.quantity - read.quantity - write.quantity,
            input.cost,
        ),
        ("cache_read", read.quantity, read.cost),
        ("cache_write", write.quantity, write.cost),
        ("output", output.quantity - reasoning.quantity, output.cost),
        ("reasoning", reasoning.quantity, reasoning.cost),
    ];
    let mut meters = BTreeMap::new();
    if !requests.is_zero() {
        for (name, quantity, cost) in parts {
            if quantity > 0 {
                let quantity = Exact::from_integer(quantity.into());
                meters.insert(name.to_owned(), (&quantity / &requests, decimal(cost) / quantity));
            }
        }
        // Cost that no meter of the sums explains (audio, searches) counts as one unit a request at its own price.
        let rest = decimal(sums.cost)
            - meters
                .values()
                .map(|(quantity, price)| quantity * price)
                .sum::<Exact>()
                * &requests;
        if !rest.is_zero() {
            meters.insert(
                "other".to_owned(),
                (Exact::from_integer(1.into()), rest / &requests),
            );
        }
    }
    RouteUse { requests, meters }
}

fn decimal(amount: Decimal) -> Exact {
    exact::parse(&amount.to_string()).unwrap_or_else(Exact::zero)
}

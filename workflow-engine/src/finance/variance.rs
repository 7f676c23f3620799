//! Why an amount changed: price, volume and mix of lines; and the driver tree of model calls. Both add up exactly.

use std::collections::BTreeMap;

use num_traits::Zero;

use super::exact::Exact;

/// A line in two periods. A new line has no old quantity, a discontinued one no new quantity.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What it is.
    pub id: String,
    /// Old quantity.
    pub q0: Exact,
    /// Old price; 0 where there was none.
    pub p0: Exact,
    /// New quantity.
    pub q1: Exact,
    /// New price; 0 where there is none.
    pub p1: Exact,
}

/// Effects of one continuing line.
#[derive(Clone, Debug, PartialEq)]
pub struct LineEffects {
    /// What it is.
    pub id: String,
    /// The price changed.
    pub price: Exact,
    /// All lines together grew or shrank.
    pub volume: Exact,
    /// This line grew more or less than all together.
    pub mix: Exact,
}

/// Price, volume, mix, new and discontinued lines: their sum is the change.
#[derive(Clone, Debug, PartialEq)]
pub struct PriceVolumeMix {
    /// Continuing lines, in the order given.
    pub lines: Vec<LineEffects>,
    /// Cost of lines that are new.
    pub new: Exact,
    /// Cost that went away with lines.
    pub discontinued: Exact,
}

impl PriceVolumeMix {
    /// Sums of price, volume and mix over the lines.
    #[must_use]
    pub fn sums(&self) -> [Exact; 3] {
        [
            self.lines.iter().map(|line| &line.price).sum(),
            self.lines.iter().map(|line| &line.volume).sum(),
            self.lines.iter().map(|line| &line.mix).sum(),
        ]
    }

    /// The whole change.
    #[must_use]
    pub fn total(&self) -> Exact {
        self.sums().iter().sum::<Exact>() + &self.new + &self.discontinued
    }
}

/// Price on the new quantity: Σ(p1−p0)q1; volume (Q1−Q0)(q0/Q0)p0; mix (q1 − q0·Q1/Q0)p0.
#[must_use]
pub fn price_volume_mix(rows: &[Row]) -> PriceVolumeMix {
    let continuing = || rows.iter().filter(|row| !row.q0.is_zero() && !row.q1.is_zero());
    let old: Exact = continuing().map(|row| &row.q0).sum();
    let new: Exact = continuing().map(|row| &row.q1).sum();
    let lines = continuing().map(|row| {
        let scaled = if old.is_zero() {
            row.q0.clone()
        } else {
            &row.q0 * &new / &old
        };
        LineEffects {
            id: row.id.clone(),
            price: (&row.p1 - &row.p0) * &row.q1,
            volume: (&scaled - &row.q0) * &row.p0,
            mix: (&row.q1 - &scaled) * &row.p0,
        }
    });
    let lines = lines.collect();
    let only = |row: &&Row, gone: bool| {
        let (here, there) = if gone {
            (&row.q0, &row.q1)
        } else {
            (&row.q1, &row.q0)
        };
        !here.is_zero() && there.is_zero()
    };
    PriceVolumeMix {
        lines,
        new: rows
            .iter()
            .filter(|row| only(row, false))
            .map(|row| &row.p1 * &row.q1)
            .sum(),
        discontinued: rows
            .iter()
            .filter(|row| only(row, true))
            .map(|row| -(&row.p0 * &row.q0))
            .sum(),
    }
}

/// One route in one period: how many requests, and per request how much of each meter at which price.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RouteUse {
    /// Number of requests.
    pub requests: Exact,
    /// By meter: quantity a request, price a unit.
    pub meters: BTreeMap<String, (Exact, Exact)>,
}

impl RouteUse {
    fn unit_cost(&self) -> Exact {
        self.meters
            .values()
            .map(|(quantity, price)| quantity * price)
            .sum()
    }

    fn cost(&self) -> Exact {
        &self.requests * self.unit_cost()
    }
}

/// Why the cost of model calls changed, each step with the new values of the steps before it.
#[derive(Clone, Debug, PartialEq)]
pub struct DriverTree {
    /// Old cost.
    pub cost0: Exact,
    /// New cost.
    pub cost1: Exact,
    /// More or fewer requests.
    pub volume: Exact,
    /// Requests moved between routes.
    pub route_mix: Exact,
    /// A request takes more or fewer tokens.
    pub intensity: Exact,
    /// A token costs more or less.
    pub price: Exact,
}

impl DriverTree {
    /// The whole change: the sum of the four.
    #[must_use]
    pub fn total(&self) -> Exact {
        &self.cost1 - &self.cost0
    }
}

/// Volume → route mix → intensity → price. A route that is new is valued at its own unit cost: all mix. A meter that
/// is new within a route is all intensity at its own new price; one that went away is all intensity at its old.
#[must_use]
pub fn driver_tree(old: &BTreeMap<String, RouteUse>, new: &BTreeMap<String, RouteUse>) -> DriverTree {
    let all =
        |routes: &BTreeMap<String, RouteUse>| routes.values().map(|route| &route.requests).sum::<Exact>();
    let (n0, n1) = (all(old), all(new));
    let mut tree = DriverTree {
        cost0: old.values().map(RouteUse::cost).sum(),
        cost1: new.values().map(RouteUse::cost).sum(),
        volume: Exact::zero(),
        route_mix: Exact::zero(),
        intensity: Exact::zero(),
        price: Exact::zero(),
    };
    let absent = RouteUse::default();
    for (name, before) in old {
        let after = new.get(name).unwrap_or(&absent);
        let unit = before.unit_cost();
        let scaled = if n0.is_zero() {
            before.requests.clone()
        } else {
            &before.requests * &n1 / &n0
        };
        tree.volume += (&scaled - &before.requests) * &unit;
        tree.route_mix += (&after.requests - &scaled) * &unit;
        let (intensity, price) = per_request(before, after);
        tree.intensity += &after.requests * intensity;
        tree.price += &after.requests * price;
    }
    for (_, after) in new.iter().filter(|(name, _)| !old.contains_key(*name)) {
        tree.route_mix += after.cost();
    }
    tree
}

/// Change of one request's cost by its quantities, and by its prices.
fn per_request(before: &RouteUse, after: &RouteUse) -> (Exact, Exact) {
    let (mut intensity, mut price) = (Exact::zero(), Exact::zero());
    for (meter, (t1, x1)) in &after.meters {
        match before.meters.get(meter) {
            Some((t0, x0)) => {
                intensity += (t1 - t0) * x0;
                price += t1 * (x1 - x0);
            }
            None => intensity += t1 * x1,
        }
    }
    for (meter, (t0, x0)) in &before.meters {
        if !after.meters.contains_key(meter) {
            intensity -= t0 * x0;
        }
    }
    (intensity, price)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn exact() -> impl Strategy<Value = Exact> {
        (0_u32..100_000).prop_map(|cents| Exact::new(cents.into(), 100.into()))
    }

    fn routes() -> impl Strategy<Value = BTreeMap<String, RouteUse>> {
        let meters = proptest::collection::btree_map("[ioc]", (exact(), exact()), 0..3);
        let route = (exact(), meters).prop_map(|(requests, meters)| RouteUse { requests, meters });
        proptest::collection::btree_map("[a-d]", route, 0..4)
    }

    proptest! {
        #[test]
        fn the_four_drivers_add_up_to_the_change(old in routes(), new in routes()) {
            let tree = driver_tree(&old, &new);
            let sum = &tree.volume + &tree.route_mix + &tree.intensity + &tree.price;
            prop_assert_eq!(sum, tree.total());
        }

        #[test]
        fn price_volume_and_mix_add_up_to_the_change(
            rows in proptest::collection::vec((exact(), exact(), exact(), exact()), 0..8)
        ) {
            let rows: Vec<Row> = rows
                .into_iter()
                .map(|(q0, p0, q1, p1)| Row { id: "x".to_owned(), q0, p0, q1, p1 })
                .collect();
            let change: Exact = rows.iter().map(|row| &row.p1 * &row.q1 - &row.p0 * &row.q0).sum();
            prop_assert_eq!(price_volume_mix(&rows).total(), change);
        }
    }
}

//! Charges: each hour's sums borne by a workflow, by Shared, or by Unallocated with the reason. Nothing is spread.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use chrono_tz::Tz;

use super::period::{self, Period};
use crate::catalog::Catalog;
use crate::usage::rollup::{Key, Sums};
use crate::values::Usd;

/// Who bears a charge.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Bearer {
    /// A workflow of the catalog, by id.
    Workflow(String),
    /// Nobody, and why.
    Unallocated(Reason),
    /// Everybody: shadow tests and the company's own checks.
    Shared,
}

/// Why a charge has nobody who bears it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// No mapping rule named a workflow.
    NoWorkflow,
    /// A workflow was named that the catalog does not have.
    UnknownWorkflow(String),
    /// The calls have no cost: their model has no price. The amount is what it is, 0, and the calls are counted.
    NoPrice {
        /// Provider of the model.
        provider: String,
        /// The model.
        model: String,
    },
}

/// What one model cost one bearer on one day.
#[derive(Clone, Debug, PartialEq)]
pub struct Charge {
    /// The day, in the company's time zone.
    pub day: NaiveDate,
    /// Who bears it.
    pub bearer: Bearer,
    /// Provider of the model; empty where unknown.
    pub provider: String,
    /// The model; empty where none was reached.
    pub model: String,
    /// Calls of any outcome.
    pub calls: i64,
    /// What they cost.
    pub cost: Usd,
    /// What their reporters said they cost, for calls without a price of ours.
    pub reported: Usd,
}

/// A sum of charges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// Calls of any outcome.
    pub calls: i64,
    /// What they cost.
    pub cost: Usd,
    /// What reporters said of calls without a price of ours.
    pub reported: Usd,
}

/// Charges of hourly sums, one a day, bearer and model. Sums tie exactly: Σ charges = Σ cost of the rows.
///
/// An hour belongs to the day its first minute lies in.
pub fn charges<'a>(
    rows: impl IntoIterator<Item = (&'a Key, &'a Sums)>,
    catalog: &Catalog,
    zone: Tz,
) -> Vec<Charge> {
    let mut sums: BTreeMap<(NaiveDate, Bearer, String, String), Total> = BTreeMap::new();
    for (key, row) in rows {
        let day = period::day(key.hour, zone);
        let mut add = |bearer: Bearer, total: Total| {
            let slot = sums.entry((day, bearer, key.provider.clone(), key.model.clone()));
            slot.or_default().add(&total);
        };
        let cost = Usd(row.cost);
        if row.unpriced == 0 {
            add(
                bearer(key, catalog),
                Total {
                    calls: row.calls,
                    cost,
                    reported: Usd::ZERO,
                },
            );
            continue;
        }
        // What reporters say is told apart only where none of the hour's calls has a price.
        let reported = if row.cost.is_zero() {
            Usd(row.cost_reported)
        } else {
            Usd::ZERO
        };
        let reason = Reason::NoPrice {
            provider: key.provider.clone(),
            model: key.model.clone(),
        };
        add(
            Bearer::Unallocated(reason),
            Total {
                calls: row.unpriced,
                cost: Usd::ZERO,
                reported,
            },
        );
        if row.calls != row.unpriced || !row.cost.is_zero() {
            let calls = row.calls - row.unpriced;
            add(
                bearer(key, catalog),
                Total {
                    calls,
                    cost,
                    reported: Usd::ZERO,
                },
            );
        }
    }
    sums.into_iter()
        .map(|((day, bearer, provider, model), total)| Charge {
            day,
            bearer,
            provider,
            model,
            calls: total.calls,
            cost: total.cost,
            reported: total.reported,
        })
        .collect()
}

fn bearer(key: &Key, catalog: &Catalog) -> Bearer {
    match key.kind.as_str() {
        "shadow" | "internal" => Bearer::Shared,
        _ if key.workflow.is_empty() => Bearer::Unallocated(Reason::NoWorkflow),
        _ if catalog.workflow(&key.workflow).is_some() => Bearer::Workflow(key.workflow.clone()),
        _ => Bearer::Unallocated(Reason::UnknownWorkflow(key.workflow.clone())),
    }
}

impl Total {
    /// Adds `other` figure by figure.
    pub fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.cost += other.cost;
        self.reported += other.reported;
    }
}

impl Charge {
    /// Its figures.
    #[must_use]
    pub fn total(&self) -> Total {
        Total {
            calls: self.calls,
            cost: self.cost,
            reported: self.reported,
        }
    }
}

/// Sums by whatever `key` says, in its order.
pub fn totals<'a, K: Ord>(
    charges: impl IntoIterator<Item = &'a Charge>,
    key: impl Fn(&Charge) -> K,
) -> BTreeMap<K, Total> {
    let mut sums: BTreeMap<K, Total> = BTreeMap::new();
    for charge in charges {
        sums.entry(key(charge)).or_default().add(&charge.total());
    }
    sums
}

/// The sum of all.
#[must_use]
pub fn total<'a>(charges: impl IntoIterator<Item = &'a Charge>) -> Total {
    totals(charges, |_| ()).remove(&()).unwrap_or_default()
}

/// Charges of those days.
pub fn within(charges: &[Charge], period: Period) -> impl Iterator<Item = &Charge> + Clone {
    charges.iter().filter(move |charge| period.contains(charge.day))
}

/// A line of a statement: a workflow, an owner, a cost centre or a model; or one of the lines that always stand apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Account {
    /// Somebody or something by id and name.
    Named {
        /// Its id.
        id: String,
        /// What people read.
        name: String,
    },
    /// What nobody bears.
    Unallocated,
    /// Shadow tests and the company's own checks.
    Shared,
}

/// How a statement is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// By workflow.
    Workflow,
    /// By the person who answers for the workflow.
    Owner,
    /// By the cost centre the workflow is charged to.
    CostCenter,
    /// By model; here nothing stands apart but calls that reached none.
    Model,
}

impl Cut {
    /// Every cut with its name in links.
    pub const ALL: [(&'static str, Self); 4] = [
        ("workflow", Self::Workflow),
        ("owner", Self::Owner),
        ("cost-center", Self::CostCenter),
        ("model", Self::Model),
    ];

    /// The account a charge falls under.
    #[must_use]
    pub fn account(self, charge: &Charge, catalog: &Catalog) -> Account {
        if self == Self::Model {
            return named(
                &charge.model,
                if charge.model.is_empty() {
                    "(no model reached)"
                } else {
                    &charge.model
                },
            );
        }
        let workflow = match &charge.bearer {
            Bearer::Unallocated(_) => return Account::Unallocated,
            Bearer::Shared => return Account::Shared,
            Bearer::Workflow(id) => catalog.workflow(id),
        };
        // The bearer was found in this catalog or an earlier one; one that is gone since has nobody.
        let Some(workflow) = workflow else {
            return Account::Unallocated;
        };
        match self {
            Self::Owner => {
                let id = workflow.owner.as_str();
                named(id, catalog.person(id).map_or(id, |person| &person.name))
            }
            Self::CostCenter => {
                let id = &workflow.cost_center;
                let entry = catalog.cost_centers.iter().find(|entry| entry.id == *id);
                named(id, entry.map_or(id, |entry| &entry.name))
            }
            Self::Workflow | Self::Model => named(workflow.id.as_str(), &workflow.name),
        }
    }
}

fn named(id: &str, name: &str) -> Account {
    Account::Named {
        id: id.to_owned(),
        name: name.to_owned(),
    }
}

impl Account {
    /// What people read.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Named { name, .. } => name,
            Self::Unallocated => "Unallocated",
            Self::Shared => "Shared (tests)",
        }
    }

    /// Its id in links.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Named { id, .. } => id,
            Self::Unallocated => "unallocated",
            Self::Shared => "shared",
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::catalog::sample;
    use proptest::prelude::*;
    use rust_decimal::Decimal;

    pub(crate) fn row(at: &str, workflow: &str, model: &str, kind: &str, cost: &str) -> (Key, Sums) {
        let key = Key {
            hour: at.parse().unwrap(),
            workflow: workflow.to_owned(),
            model: model.to_owned(),
            provider: "openai".to_owned(),
            kind: kind.to_owned(),
        };
        let sums = Sums {
            calls: 10,
            cost: cost.parse().unwrap(),
            ..Sums::default()
        };
        (key, sums)
    }

    fn of(rows: &[(Key, Sums)], catalog: &Catalog, zone: Tz) -> Vec<Charge> {
        charges(rows.iter().map(|(key, sums)| (key, sums)), catalog, zone)
    }

    #[test]
    fn what_has_no_bearer_stands_apart_with_its_reason() {
        let catalog = sample::sample();
        let known = catalog.workflows[0].id.as_str().to_owned();
        let mut unpriced = row("2026-11-16T10:00:00Z", &known, "house-model-1", "live", "0");
        unpriced.1.unpriced = 10;
        unpriced.1.cost_reported = "0.6".parse().unwrap();
        let rows = [
            row("2026-11-16T10:00:00Z", &known, "gpt-4o", "live", "5"),
            row("2026-11-16T10:00:00Z", &known, "gpt-4o", "shadow", "2"),
            row("2026-11-16T10:00:00Z", "", "gpt-4o", "live", "1.5"),
            row("2026-11-16T10:00:00Z", "nobody-knows", "gpt-4o", "live", "0.25"),
            unpriced,
        ];
        let by = totals(&of(&rows, &catalog, Tz::UTC), |charge| charge.bearer.clone());
        let amount = |bearer: &Bearer| by[bearer].cost.plain();
        assert_eq!(amount(&Bearer::Workflow(known)), "5");
        assert_eq!(amount(&Bearer::Shared), "2");
        assert_eq!(amount(&Bearer::Unallocated(Reason::NoWorkflow)), "1.5");
        let unknown = Bearer::Unallocated(Reason::UnknownWorkflow("nobody-knows".to_owned()));
        assert_eq!(amount(&unknown), "0.25");
        let no_price = Bearer::Unallocated(Reason::NoPrice {
            provider: "openai".to_owned(),
            model: "house-model-1".to_owned(),
        });
        assert_eq!(
            (by[&no_price].calls, by[&no_price].reported.plain()),
            (10, "0.6".to_owned())
        );
    }

    #[test]
    fn an_hour_after_midnight_in_berlin_is_the_next_month_there() {
        let catalog = sample::sample();
        let rows = [row("2026-10-31T23:00:00Z", "", "gpt-4o", "live", "1")];
        assert_eq!(of(&rows, &catalog, Tz::UTC)[0].day.to_string(), "2026-10-31");
        assert_eq!(
            of(&rows, &catalog, Tz::Europe__Berlin)[0].day.to_string(),
            "2026-11-01"
        );
    }

    proptest! {
        #[test]
        fn every_cut_sums_to_exactly_what_the_hours_sum_to(
            rows in proptest::collection::vec(
                (0_u32..2_000, 0_usize..4, 0_usize..3, 0_usize..3, 0_u64..1_000_000_000, 0_i64..3), 0..60)
        ) {
            let catalog = sample::sample();
            let known = catalog.workflows[0].id.as_str();
            let rows: Vec<(Key, Sums)> = rows
                .into_iter()
                .map(|(hour, workflow, model, kind, picodollars, unpriced)| {
                    let at = "2026-10-01T00:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap()
                        + chrono::TimeDelta::hours(i64::from(hour));
                    let (key, mut sums) = row(
                        &at.to_rfc3339(),
                        [known, "", "gone", "other"][workflow],
                        ["gpt-4o", "claude", ""][model],
                        ["live", "shadow", "internal"][kind],
                        "0",
                    );
                    sums.cost = Decimal::new(i64::try_from(picodollars).unwrap(), 12);
                    sums.unpriced = unpriced;
                    (key, sums)
                })
                .collect();
            let charges = of(&rows, &catalog, Tz::America__New_York);
            let cost: Decimal = rows.iter().map(|(_, sums)| sums.cost).sum();
            let calls: i64 = rows.iter().map(|(_, sums)| sums.calls).sum();
            prop_assert_eq!(total(&charges).cost.0, cost);
            prop_assert_eq!(total(&charges).calls, calls);
            for (_, cut) in Cut::ALL {
                let lines = totals(&charges, |charge| cut.account(charge, &catalog));
                prop_assert_eq!(lines.values().map(|line| line.cost.0).sum::<Decimal>(), cost);
                prop_assert_eq!(lines.values().map(|line| line.calls).sum::<i64>(), calls);
            }
        }
    }
}

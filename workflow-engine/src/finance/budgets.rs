//! Budgets: where each stands in its month, and which thresholds it has reached.

use rust_decimal::Decimal;

use super::charges::{Bearer, Charge};
use super::period::Period;
use super::words::{day, money, ordinal};
use crate::catalog::{Budget, Catalog};
use crate::values::Usd;

/// Where a budget stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// `workflow:support-answer` or `cost-center:CC-4100`: its key wherever it is told once.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// Dollars a month.
    pub limit: Usd,
    /// Spent in the month so far.
    pub spent: Usd,
    /// Where the month is heading, if that can be said.
    pub forecast: Option<Usd>,
    /// Shares of the limit at which people are told, in percent, ascending.
    pub thresholds: Vec<u32>,
}

/// A threshold that was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Threshold {
    /// The forecast reaches the whole limit.
    Forecast,
    /// That many percent of the limit are spent; 100 is reached at exactly the limit.
    Spent(u32),
}

impl Threshold {
    /// Its key: told once per budget and month.
    #[must_use]
    pub fn key(self) -> String {
        match self {
            Self::Forecast => "forecast".to_owned(),
            Self::Spent(percent) => percent.to_string(),
        }
    }
}

/// Charges that a budget holds for.
pub fn charged<'a>(
    budget: &'a Budget,
    charges: &'a [Charge],
    catalog: &'a Catalog,
) -> impl Iterator<Item = &'a Charge> {
    charges.iter().filter(move |charge| {
        let Bearer::Workflow(id) = &charge.bearer else {
            return false;
        };
        match (&budget.workflow, &budget.cost_center) {
            (Some(workflow), _) => workflow.as_str() == id,
            (None, Some(center)) => catalog
                .workflow(id)
                .is_some_and(|workflow| workflow.cost_center == *center),
            (None, None) => false,
        }
    })
}

/// Where `budget` stands in `month`; `forecast` is what its charges are heading for.
#[must_use]
pub fn standing(
    budget: &Budget,
    charges: &[Charge],
    catalog: &Catalog,
    month: Period,
    forecast: Option<Usd>,
) -> Standing {
    let spent = charged(budget, charges, catalog)
        .filter(|charge| month.contains(charge.day))
        .map(|charge| charge.cost)
        .sum();
    let (key, name) = match (&budget.workflow, &budget.cost_center) {
        (Some(workflow), _) => (format!("workflow:{workflow}"), workflow.to_string()),
        (None, center) => {
            let id = center.as_deref().unwrap_or_default();
            let entry = catalog.cost_centers.iter().find(|entry| entry.id == id);
            (
                format!("cost-center:{id}"),
                entry.map_or(id, |entry| &entry.name).to_owned(),
            )
        }
    };
    let mut thresholds = budget.thresholds_percent.clone();
    thresholds.sort_unstable();
    thresholds.dedup();
    Standing {
        key,
        name,
        limit: budget.monthly_usd,
        spent,
        forecast,
        thresholds,
    }
}

/// What the whole company may spend: budgets of cost centres, and of workflows whose cost centre has none of its own.
/// None without budgets.
#[must_use]
pub fn company_limit(catalog: &Catalog) -> Option<Usd> {
    let centers: Vec<&str> = catalog
        .budgets
        .iter()
        .filter_map(|budget| budget.cost_center.as_deref())
        .collect();
    let mut counted = catalog.budgets.iter().filter(|budget| match &budget.workflow {
        None => true,
        Some(id) => catalog
            .workflow(id.as_str())
            .is_none_or(|workflow| !centers.contains(&workflow.cost_center.as_str())),
    });
    let first = counted.next()?.monthly_usd;
    Some(first + counted.map(|budget| budget.monthly_usd).sum())
}

impl Standing {
    /// Every threshold that is reached, the gravest last.
    #[must_use]
    pub fn reached(&self) -> Vec<Threshold> {
        let mut reached: Vec<Threshold> = Vec::new();
        if self.forecast.is_some_and(|forecast| forecast >= self.limit) && self.spent < self.limit {
            reached.push(Threshold::Forecast);
        }
        let spent = self.thresholds.iter().filter(|percent| self.has_spent(**percent));
        reached.extend(spent.map(|percent| Threshold::Spent(*percent)));
        reached
    }

    /// Whether that many percent of the limit are spent, without rounding. A limit of 0 is reached by the first cent.
    #[must_use]
    pub fn has_spent(&self, percent: u32) -> bool {
        let reached = self.spent.0 * Decimal::ONE_HUNDRED >= self.limit.0 * Decimal::from(percent);
        reached && self.spent.0 > Decimal::ZERO
    }

    /// Percent of the limit, rounded down: 99.99 is not yet 100.
    #[must_use]
    pub fn percent(&self) -> Option<Decimal> {
        (self.limit.0 > Decimal::ZERO).then(|| (self.spent.0 / self.limit.0 * Decimal::ONE_HUNDRED).floor())
    }

    /// What people are told of one threshold.
    #[must_use]
    pub fn sentence(&self, threshold: Threshold, month: Period) -> String {
        let name = &self.name;
        let month_name = month.first.format("%B");
        let (spent, limit) = (money(self.spent), money(self.limit));
        match threshold {
            Threshold::Spent(percent) if percent >= 100 => {
                format!("{name} has used its whole {month_name} budget: {spent} of {limit}.")
            }
            Threshold::Spent(percent) => {
                format!("{name} has used {percent} % of its {month_name} budget: {spent} of {limit}.")
            }
            Threshold::Forecast => format!(
                "{name} is heading for {} in {month_name}, above its budget of {limit}; {spent} is spent.",
                self.forecast.map(money).unwrap_or_default(),
            ),
        }
    }

    /// The day on which the limit is passed if the rest of the month goes as forecast: straight from today to the
    /// forecast. None when it is not passed, or passed already.
    #[must_use]
    pub fn passes_on(&self, today: chrono::NaiveDate, month: Period) -> Option<chrono::NaiveDate> {
        let forecast = self.forecast?;
        if forecast <= self.limit || self.spent >= self.limit {
            return None;
        }
        let left = Decimal::from((month.last - today).num_days().max(1));
        let share = (self.limit.0 - self.spent.0) / (forecast.0 - self.spent.0);
        let days = u64::try_from((share * left).ceil()).unwrap_or_default();
        Some((today + chrono::Days::new(days)).min(month.last))
    }

    /// The same as words for a list of what needs somebody: `budget of claims-triage passes 100 % around the 27th`.
    #[must_use]
    pub fn warning(&self, today: chrono::NaiveDate, month: Period) -> Option<String> {
        if self.has_spent(100) {
            return Some(format!(
                "budget of {} is used up ({} of {})",
                self.name,
                money(self.spent),
                money(self.limit)
            ));
        }
        let on = self.passes_on(today, month)?;
        let number = ordinal(chrono::Datelike::day(&on));
        Some(match on == month.last {
            true => format!("budget of {} passes 100 % by {}", self.name, day(on)),
            false => format!("budget of {} passes 100 % around the {number}", self.name),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(text: &str) -> Usd {
        Usd(text.parse().unwrap())
    }

    fn at(spent: &str, forecast: Option<&str>) -> Standing {
        Standing {
            key: "workflow:claims-triage".to_owned(),
            name: "claims-triage".to_owned(),
            limit: usd("2500"),
            spent: usd(spent),
            forecast: forecast.map(usd),
            thresholds: vec![50, 80, 100],
        }
    }

    #[test]
    fn a_threshold_is_reached_at_exactly_its_share_and_not_a_hair_before() {
        use Threshold::{Forecast, Spent};
        assert_eq!(at("1249.999999999999", None).reached(), []);
        assert_eq!(at("1250", None).reached(), [Spent(50)]);
        assert_eq!(at("2499.999999999999", None).reached(), [Spent(50), Spent(80)]);
        assert_eq!(at("2500", None).reached(), [Spent(50), Spent(80), Spent(100)]);
        assert_eq!(at("1000", Some("2499.99")).reached(), []);
        assert_eq!(at("1000", Some("2500")).reached(), [Forecast]);
        assert_eq!(
            at("2500", Some("9000")).reached(),
            [Spent(50), Spent(80), Spent(100)],
            "no forecast of the past"
        );
    }

    #[test]
    fn a_budget_of_nothing_is_reached_by_the_first_cent() {
        let mut free = at("0", None);
        free.limit = Usd::ZERO;
        assert_eq!(free.reached(), []);
        free.spent = usd("0.01");
        assert_eq!(free.reached().len(), 3);
        assert_eq!(free.percent(), None);
    }

    #[test]
    fn people_are_told_in_one_sentence() {
        let month = Period::month("2026-11").unwrap();
        let budget = at("2100", Some("3100"));
        let mut told: Vec<String> = [Threshold::Spent(80), Threshold::Spent(100), Threshold::Forecast]
            .map(|at| budget.sentence(at, month))
            .into();
        told.push(budget.warning("2026-11-22".parse().unwrap(), month).unwrap());
        told.push(
            at("2600", None)
                .warning("2026-11-22".parse().unwrap(), month)
                .unwrap(),
        );
        insta::assert_snapshot!(told.join("\n"), @r"
        claims-triage has used 80 % of its November budget: $2.1k of $2.5k.
        claims-triage has used its whole November budget: $2.1k of $2.5k.
        claims-triage is heading for $3.1k in November, above its budget of $2.5k; $2.1k is spent.
        budget of claims-triage passes 100 % around the 26th
        budget of claims-triage is used up ($2.6k of $2.5k)
        ");
    }
}

//! Rating: disjoint counts × published prices = exact cost lines.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use super::entry::Entry;
use super::meter::{Counts, Meter};
use super::unit_price::{Served, UnitPrices};
use crate::values::Usd;

/// What is known of a call beside its usage.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Context {
    /// The service tier that was asked for or given; the usage's own word stands in for it.
    pub service_tier: Option<String>,
    /// Whether it ran in a batch.
    pub batch: bool,
    /// When it was served.
    pub at: Option<DateTime<Utc>>,
    /// The region it was pinned to (`eu`, `us`).
    pub data_residency: Option<String>,
    /// A tool the vendor ran. A search tool named without a count is one search.
    pub tool: Option<String>,
}

/// One line of the bill.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// What was used.
    pub meter: Meter,
    /// How much of it.
    pub quantity: Decimal,
    /// Dollars a unit, before multipliers.
    pub unit_price: Decimal,
    /// Dollars, after multipliers.
    pub cost: Usd,
}

/// A rated call: why it costs what it costs.
#[derive(Clone, Debug, PartialEq)]
pub struct Rated {
    /// Lines of the bill; quantities of 0 are left out.
    pub lines: Vec<Line>,
    /// Surcharges with their factors, on every token line.
    pub multipliers: Vec<(String, Decimal)>,
    /// Sum of the lines.
    pub total: Usd,
    /// Whether the vendor's figures contradict each other.
    pub inconsistent: bool,
}

/// Why counts could not be rated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RateError {
    /// There is use of a meter that has no price.
    #[error("no price for {0}")]
    NoPrice(&'static str),
    /// The amount is beyond what money can be.
    #[error("the cost of {0} is beyond any amount of money")]
    TooLarge(&'static str),
}

/// Rates `counts` by `entry`. Exact: quantity × unit price × multipliers, never rounded below 28 digits.
///
/// # Errors
/// When a meter that was used has no price in `entry`.
pub fn rate(counts: &Counts, context: &Context, entry: &Entry) -> Result<Rated, RateError> {
    let prices = UnitPrices::new(
        entry,
        &Served {
            prompt_tokens: counts.prompt_tokens(),
            service_tier: context.service_tier.as_deref().or(counts.service_tier.as_deref()),
            batch: context.batch,
            at: context.at,
        },
    );
    let multipliers = multipliers(counts, context, entry);
    let mut lines: Vec<Line> = Vec::new();
    for (meter, quantity) in quantities(counts, context) {
        let name = meter.name();
        let unit_price = prices.of(meter).ok_or(RateError::NoPrice(name))?;
        let factors = multipliers.iter().filter(|_| meter.is_token());
        let cost = factors
            .map(|(_, factor)| *factor)
            .try_fold(quantity, Decimal::checked_mul)
            .and_then(|quantity| quantity.checked_mul(unit_price))
            .ok_or(RateError::TooLarge(name))?;
        let same = |line: &&mut Line| line.meter.name() == name && line.unit_price == unit_price;
        match lines.iter_mut().find(same) {
            Some(line) => {
                line.quantity += quantity;
                line.cost += Usd(cost);
            }
            None => lines.push(Line {
                meter,
                quantity,
                unit_price,
                cost: Usd(cost),
            }),
        }
    }
    let total = lines
        .iter()
        .try_fold(Decimal::ZERO, |sum, line| sum.checked_add(line.cost.0))
        .ok_or(RateError::TooLarge("the call"))?;
    Ok(Rated {
        lines,
        multipliers,
        total: Usd(total),
        inconsistent: counts.inconsistent,
    })
}

fn quantities(counts: &Counts, context: &Context) -> Vec<(Meter, Decimal)> {
    let mut quantities = counts.quantities.clone();
    let searched = context.tool.as_ref().is_some_and(|tool| tool.contains("search"));
    if searched && !counts.searches_known && counts.quantity(Meter::WebSearchRequest).is_zero() {
        quantities.push((Meter::WebSearchRequest, Decimal::ONE));
    }
    quantities
}

/// Surcharges that hold for this call: where it had to be processed, where it was, and how fast.
fn multipliers(counts: &Counts, context: &Context, entry: &Entry) -> Vec<(String, Decimal)> {
    let mut multipliers = Vec::new();
    if let Some(region) = &context.data_residency {
        let region = region.to_ascii_lowercase();
        if let Some(factor) = entry.price(&format!("regional_processing_uplift_multiplier_{region}")) {
            multipliers.push((format!("data_residency:{region}"), factor));
        } else if let Some(factor) = entry
            .price("regional_endpoint_uplift_multiplier")
            .filter(|_| region != "global")
        {
            multipliers.push((format!("regional_endpoint:{region}"), factor));
        }
    }
    if let Some(geo) = &counts.inference_geo {
        let geo = geo.to_ascii_lowercase();
        if let Some(factor) = entry.surcharges.get(&geo) {
            multipliers.push((format!("inference_geo:{geo}"), *factor));
        }
    }
    if counts.fast
        && let Some(factor) = entry.surcharges.get("fast")
    {
        multipliers.push(("speed:fast".to_owned(), *factor));
    }
    multipliers.retain(|(_, factor)| *factor != Decimal::ONE);
    multipliers
}

//! The prices of one model, under the public price map's own keys, as exact decimals.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Serialize;

use super::off_peak::OffPeak;

/// The prices of one model. Keys are those of LiteLLM's price map, in dollars a unit.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Entry {
    /// Plain prices and multipliers by key (`input_cost_per_token_above_200k_tokens`).
    pub prices: BTreeMap<String, Decimal>,
    /// Whose price it is, in the map's words (`openai`, `bedrock_converse`).
    pub provider: Option<String>,
    /// Whole-request tiers by prompt length, lowest first.
    pub tiers: Vec<Tier>,
    /// Cheaper hours.
    pub off_peak: Option<OffPeak>,
    /// Price of one search by context size (`search_context_size_medium`).
    pub search: BTreeMap<String, Decimal>,
    /// The vendor's own surcharges (`us`, `fast`).
    pub surcharges: BTreeMap<String, Decimal>,
    /// First day it holds, UTC; none is always.
    pub effective_from: Option<NaiveDate>,
    /// Where the prices were read.
    pub source: Option<String>,
}

/// Prices for prompts longer than `above` and at most `up_to` tokens.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tier {
    /// Lower end, itself outside.
    pub above: Decimal,
    /// Upper end, itself inside.
    pub up_to: Decimal,
    /// Prices by key.
    pub prices: BTreeMap<String, Decimal>,
}

impl Entry {
    /// The price under `key`, if it is published; 0 is a price.
    #[must_use]
    pub fn price(&self, key: &str) -> Option<Decimal> {
        self.prices.get(key).copied()
    }

    /// This entry with `prices` laid over it: a contract that names some prices leaves the others as listed.
    #[must_use]
    pub fn overlaid(&self, prices: &BTreeMap<String, Decimal>) -> Self {
        let mut entry = self.clone();
        entry
            .prices
            .extend(prices.iter().map(|(key, price)| (key.clone(), *price)));
        entry
    }

    /// What decides amounts: the entry without where it was read, so that the same prices have the same digest.
    #[must_use]
    pub fn priced_part(&self) -> Self {
        Self {
            source: None,
            effective_from: None,
            ..self.clone()
        }
    }

    /// The tier that a prompt of that many tokens falls in: past the last, the last; none for an empty prompt.
    #[must_use]
    pub fn tier(&self, prompt_tokens: Decimal) -> Option<&Tier> {
        if prompt_tokens.is_zero() {
            return None;
        }
        self.tiers
            .iter()
            .find(|tier| tier.above < prompt_tokens && prompt_tokens <= tier.up_to)
            .or_else(|| self.tiers.last())
            .filter(|tier| tier.prices.contains_key("input_cost_per_token"))
    }

    /// Whether a prompt exactly at a threshold already pays the higher price.
    #[must_use]
    pub fn inclusive_thresholds(&self) -> bool {
        self.provider.as_deref() == Some("xai")
    }

    /// Thresholds that a prompt of that many tokens has crossed, as written in keys (`200k`), highest first.
    #[must_use]
    pub fn crossed(&self, prompt_tokens: Decimal) -> Vec<&str> {
        let mut thresholds: Vec<(Decimal, &str)> = self
            .prices
            .keys()
            .filter_map(|key| {
                let text = key.split("_tokens").next()?.rsplit_once("_above_")?.1;
                Some((threshold(text)?, text))
            })
            .filter(|(limit, _)| {
                prompt_tokens > *limit || (self.inclusive_thresholds() && prompt_tokens == *limit)
            })
            .collect();
        thresholds.sort_unstable_by(|a, b| b.cmp(a));
        thresholds.dedup();
        thresholds.into_iter().map(|(_, text)| text).collect()
    }
}

/// `200k` is 200,000; `1hr` is no number of tokens.
fn threshold(text: &str) -> Option<Decimal> {
    match text.strip_suffix('k') {
        Some(thousands) => Some(thousands.parse::<Decimal>().ok()? * Decimal::ONE_THOUSAND),
        None => text.parse().ok(),
    }
}

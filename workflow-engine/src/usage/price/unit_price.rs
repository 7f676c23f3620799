//! Which published price a meter pays: long prompts, service tiers, batches, cheaper hours.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use super::entry::{Entry, Tier};
use super::meter::Meter;
use super::off_peak::OffPeak;

const INPUT: &str = "input_cost_per_token";
const OUTPUT: &str = "output_cost_per_token";
const REASONING: &str = "output_cost_per_reasoning_token";
const WRITE_1H: &str = "cache_creation_input_token_cost_above_1hr";

/// How a call was served, as far as it decides the price.
#[derive(Clone, Copy, Debug, Default)]
pub struct Served<'a> {
    /// Tokens of the whole prompt.
    pub prompt_tokens: Decimal,
    /// The vendor's service tier; a name without prices of its own pays the base price.
    pub service_tier: Option<&'a str>,
    /// Whether it ran in a batch.
    pub batch: bool,
    /// When it was served; without it no cheaper hours are assumed.
    pub at: Option<DateTime<Utc>>,
}

/// Chooses unit prices from one entry for one call.
pub struct UnitPrices<'a> {
    entry: &'a Entry,
    crossed: Vec<&'a str>,
    suffix: &'static str,
    batch: bool,
    tier: Option<&'a Tier>,
    off_peak: Option<&'a OffPeak>,
}

impl<'a> UnitPrices<'a> {
    /// Prices of `entry` for a call served so. A crossed threshold reprices the whole call.
    #[must_use]
    pub fn new(entry: &'a Entry, served: &Served<'_>) -> Self {
        let tier_name = served.service_tier.unwrap_or_default().to_ascii_lowercase();
        let suffix = match tier_name.as_str() {
            "flex" => "_flex",
            "priority" | "fast" => "_priority",
            "ultrafast" => "_ultrafast",
            "balanced" => "_balanced",
            _ => "",
        };
        Self {
            entry,
            crossed: entry.crossed(served.prompt_tokens),
            suffix,
            batch: served.batch || tier_name == "batch",
            tier: entry.tier(served.prompt_tokens),
            off_peak: entry
                .off_peak
                .as_ref()
                .filter(|off_peak| served.at.is_some_and(|at| off_peak.holds(at))),
        }
    }

    /// What one unit costs in dollars; none where nothing is published. An explicit 0 is a price.
    #[must_use]
    pub fn of(&self, meter: Meter) -> Option<Decimal> {
        match meter {
            Meter::WebSearchRequest => self.search(),
            Meter::AudioSecond => self.dearer("input_cost_per_second", "output_cost_per_second"),
            Meter::Character => self.dearer("input_cost_per_character", "output_cost_per_character"),
            Meter::SearchUnit => self.entry.price("input_cost_per_query"),
            Meter::Image => self.dearer("output_cost_per_image", "input_cost_per_image"),
            _ if self.batch => self.batched(meter),
            _ => self.ordinary(meter),
        }
    }

    /// Outside of batches: the meter's own price, or what stands in for it.
    fn ordinary(&self, meter: Meter) -> Option<Decimal> {
        if meter == Meter::Reasoning {
            return self.reasoning();
        }
        keys(meter).iter().find_map(|key| self.published(key))
    }

    /// In a batch: published batch prices; where the batch price of the side is published but a cache price is
    /// not, cached tokens count as batch input; where nothing is published, half.
    fn batched(&self, meter: Meter) -> Option<Decimal> {
        let half = |price: Option<Decimal>| Some(price? * Decimal::new(5, 1));
        if !meter.is_prompt() {
            let own = keys(meter).iter().find_map(|key| self.batch_price(key));
            return own.or_else(|| half(self.ordinary(meter)));
        }
        let Some(input) = self.batch_price(INPUT) else {
            return half(self.ordinary(meter));
        };
        match meter {
            // Sound and pictures do not become text in a batch, nor a long-lived cache a short one.
            Meter::InputAudio | Meter::InputImage | Meter::InputVideo => {
                let own = keys(meter).first()?;
                self.batch_price(own)
                    .or_else(|| half(self.published(own)))
                    .or(Some(input))
            }
            Meter::CacheWrite1h if self.published(WRITE_1H).is_some() => self
                .batch_price(WRITE_1H)
                .or_else(|| half(self.published(WRITE_1H))),
            _ => keys(meter)
                .iter()
                .find_map(|key| self.batch_price(key))
                .or(Some(input)),
        }
    }

    /// Thinking has a price of its own or is paid like the answer; a tier's answer price goes before the base
    /// price of thinking.
    fn reasoning(&self) -> Option<Decimal> {
        if let Some(price) = self.off_peak.and_then(|off_peak| off_peak.prices.get(REASONING)) {
            return Some(*price);
        }
        let output = self.ordinary(Meter::Output);
        if let Some(tier) = self.tier {
            return tier.prices.get(REASONING).copied().or(output);
        }
        if self.suffix.is_empty() {
            return self.entry.price(REASONING).or(output);
        }
        let own = self.entry.price(&format!("{REASONING}{}", self.suffix));
        let tiered_output = self.entry.price(&format!("{OUTPUT}{}", self.suffix)).is_some();
        let untiered = || self.entry.price(REASONING).filter(|_| !tiered_output);
        own.or_else(untiered).or(output)
    }

    /// The price under `key`: cheaper hours replace whatever else would hold, then the tier table, then thresholds.
    fn published(&self, key: &str) -> Option<Decimal> {
        if let Some(price) = self.off_peak.and_then(|off_peak| off_peak.prices.get(key)) {
            return Some(*price);
        }
        if let Some(tier) = self.tier {
            let own = tier.prices.get(key).copied();
            return if key == OUTPUT {
                own.or_else(|| self.entry.price(key))
            } else {
                own
            };
        }
        let long = self.crossed.iter().find_map(|threshold| {
            let long = format!("{key}_above_{threshold}_tokens");
            self.suffixed(&long)
        });
        long.or_else(|| self.suffixed(key))
    }

    /// The service tier's price, or the base price.
    fn suffixed(&self, key: &str) -> Option<Decimal> {
        self.entry
            .price(&format!("{key}{}", self.suffix))
            .or_else(|| self.entry.price(key))
    }

    fn batch_price(&self, key: &str) -> Option<Decimal> {
        let long = self.crossed.iter().find_map(|threshold| {
            self.entry
                .price(&format!("{key}_above_{threshold}_tokens_batches"))
        });
        long.or_else(|| self.entry.price(&format!("{key}_batches")))
    }

    fn search(&self) -> Option<Decimal> {
        ["medium", "low", "high"].iter().find_map(|size| {
            self.entry
                .search
                .get(&format!("search_context_size_{size}"))
                .copied()
        })
    }

    /// Maps often carry the same price on both sides of a call that is paid once.
    fn dearer(&self, key: &str, other: &str) -> Option<Decimal> {
        self.entry.price(key).max(self.entry.price(other))
    }
}

/// Keys that price a meter, its own first: a missing cache price is the ordinary input price.
fn keys(meter: Meter) -> &'static [&'static str] {
    match meter {
        Meter::CacheRead => &["cache_read_input_token_cost", INPUT],
        Meter::CacheReadAudio => &[
            "cache_read_input_audio_token_cost",
            "cache_read_input_token_cost",
            INPUT,
        ],
        Meter::CacheReadImage => &[
            "cache_read_input_image_token_cost",
            "cache_read_input_token_cost",
            INPUT,
        ],
        Meter::CacheWrite5m => &["cache_creation_input_token_cost", INPUT],
        Meter::CacheWrite1h => &[WRITE_1H, "cache_creation_input_token_cost", INPUT],
        Meter::InputAudio => &["input_cost_per_audio_token", INPUT],
        Meter::InputImage => &["input_cost_per_image_token", INPUT],
        Meter::InputVideo => &["input_cost_per_video_token", INPUT],
        Meter::Output => &[OUTPUT],
        Meter::Reasoning => &[REASONING, OUTPUT],
        Meter::OutputAudio => &["output_cost_per_audio_token", OUTPUT],
        Meter::OutputImage => &["output_cost_per_image_token", OUTPUT],
        _ => &[INPUT],
    }
}

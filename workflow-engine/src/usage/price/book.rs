//! The price book: which prices hold for a model on a day, contracts before overrides before lists.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

use super::entry::Entry;
use super::map::{self, MapError};
use super::meter::{Counts, Meter};
use super::rate::{Context, Line, rate};
use crate::catalog::PriceOverride;
use crate::values::{Digest, Usd};

/// Where a price comes from, the strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The company's own contract.
    Contract,
    /// A correction by the company.
    Override,
    /// The vendor's list.
    List,
    /// A public price map.
    Map,
}

impl Origin {
    /// Its name in versions and on pages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Contract => "contract",
            Self::Override => "override",
            Self::List => "list",
            Self::Map => "map",
        }
    }
}

/// Prices by model and day. Nothing is ever changed in it: a new price is a new entry with a later first day.
#[derive(Clone, Debug, Default)]
pub struct PriceBook {
    entries: BTreeMap<String, Vec<Listed>>,
    overlays: Vec<Overlay>,
}

#[derive(Clone, Debug)]
struct Listed {
    origin: Origin,
    entry: Entry,
}

#[derive(Clone, Debug)]
struct Overlay {
    origin: Origin,
    provider: String,
    model: String,
    from: NaiveDate,
    until: Option<NaiveDate>,
    prices: BTreeMap<String, Decimal>,
}

/// Token counts of a stored call, as [surfaces](crate) define them: totals that include their parts. None is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallTokens {
    /// All of the prompt, cached and cache-write tokens included.
    pub input: Option<u64>,
    /// Of these, read from a cache.
    pub cached_input: Option<u64>,
    /// Of these, written to a cache.
    pub cache_write: Option<u64>,
    /// All of the answer, thinking included. Unknown counts as none: embeddings report none.
    pub output: Option<u64>,
    /// Of these, thinking.
    pub reasoning: Option<u64>,
}

/// What a stored call was answered by, as far as it decides the price.
#[derive(Clone, Copy, Debug)]
pub struct AnsweredBy<'a> {
    /// OpenTelemetry's name of the vendor.
    pub provider: &'a str,
    /// The model.
    pub model: &'a str,
    /// The vendor's service tier (`default`, `priority`, `flex`, `batch`), where it was told.
    pub service_tier: Option<&'a str>,
    /// When.
    pub at: DateTime<Utc>,
}

/// What a stored call costs, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct PricedCall {
    /// The cost in dollars.
    pub cost: Usd,
    /// Which prices were used: origin, model, first day and digest of the prices. The same prices, the same version.
    pub price_version: String,
    /// The bill line by line.
    pub lines: Vec<Line>,
    /// Whether the parts exceed their totals; the cost is then that of the parts.
    pub inconsistent: bool,
}

/// Prices that hold for a model on a day.
#[derive(Clone, Debug, PartialEq)]
pub struct InForce {
    /// The prices, overlays applied.
    pub entry: Entry,
    /// Their version.
    pub version: String,
}

impl PriceBook {
    /// Adds a price map in LiteLLM's format; entries may carry `effective_from`.
    ///
    /// # Errors
    /// As [`map::parse`].
    pub fn add_map(&mut self, origin: Origin, text: &str) -> Result<(), MapError> {
        for (model, entry) in map::parse(text)? {
            self.add(origin, &model, entry);
        }
        Ok(())
    }

    /// Adds one entry under the name that the price map gives it (`azure/gpt-4o`).
    pub fn add(&mut self, origin: Origin, key: &str, entry: Entry) {
        let listed = self.entries.entry(key.to_owned()).or_default();
        listed.push(Listed { origin, entry });
        // Strongest first, and of one origin the latest first.
        listed.sort_by_key(|listed| (listed.origin, std::cmp::Reverse(listed.entry.effective_from)));
    }

    /// Adds the catalog's contracts and corrections.
    pub fn add_overrides(&mut self, overrides: &[PriceOverride]) {
        self.overlays.extend(overrides.iter().map(|price| Overlay {
            origin: if price.kind == "contract" {
                Origin::Contract
            } else {
                Origin::Override
            },
            provider: price.provider.clone(),
            model: price.model.clone(),
            from: price.from,
            until: price.until,
            prices: price.prices.clone(),
        }));
        // Weakest first, so that laying them over in order leaves the strongest on top.
        self.overlays
            .sort_by_key(|overlay| (std::cmp::Reverse(overlay.origin), overlay.from));
    }

    /// The prices of a model behind a provider on the UTC day of `at`; none when there is no price.
    #[must_use]
    pub fn in_force(&self, provider: &str, model: &str, at: DateTime<Utc>) -> Option<InForce> {
        let day = at.date_naive();
        let listed = self.listed(provider, model, day);
        let mut origin = listed.map_or(Origin::Override, |listed| listed.origin);
        let mut since = listed.and_then(|listed| listed.entry.effective_from);
        let mut entry = listed.map(|listed| listed.entry.clone());
        for overlay in self
            .overlays
            .iter()
            .filter(|overlay| overlay.holds(provider, model, day))
        {
            origin = overlay.origin;
            since = Some(overlay.from);
            entry = Some(entry.unwrap_or_default().overlaid(&overlay.prices));
        }
        let entry = entry?;
        let digest = Digest::of_json(&entry.priced_part()).ok()?.to_string();
        let since = since.map(|day| format!("@{day}")).unwrap_or_default();
        let version = format!("{}:{model}{since}#{}", origin.name(), &digest[..8]);
        Some(InForce { entry, version })
    }

    /// What a stored call costs; none when its tokens or its price are unknown, which is never 0.
    #[must_use]
    pub fn price_call(&self, by: &AnsweredBy<'_>, tokens: &CallTokens) -> Option<PricedCall> {
        let counts = tokens.disjoint()?;
        let prices = self.in_force(by.provider, by.model, by.at)?;
        let context = Context {
            at: Some(by.at),
            service_tier: by.service_tier.map(str::to_owned),
            ..Context::default()
        };
        let rated = rate(&counts, &context, &prices.entry).ok()?;
        Some(PricedCall {
            cost: rated.total,
            price_version: prices.version,
            lines: rated.lines,
            inconsistent: rated.inconsistent,
        })
    }

    /// The strongest listed entry, under the model's plain name or with its provider's prefix.
    fn listed(&self, provider: &str, model: &str, day: NaiveDate) -> Option<&Listed> {
        let prefixes = map_providers(provider);
        let prefixed = prefixes.iter().map(|prefix| format!("{prefix}/{model}"));
        prefixed
            .chain(std::iter::once(model.to_owned()))
            .filter_map(|key| self.entries.get(&key))
            .flatten()
            .find(|listed| {
                let begun = listed.entry.effective_from.is_none_or(|from| from <= day);
                begun && serves(&listed.entry, &prefixes)
            })
    }
}

impl Overlay {
    fn holds(&self, provider: &str, model: &str, day: NaiveDate) -> bool {
        self.provider == provider
            && self.model == model
            && self.from <= day
            && self.until.is_none_or(|until| day <= until)
    }
}

impl CallTokens {
    /// Disjoint counts; none when the prompt is unknown.
    #[must_use]
    pub fn disjoint(&self) -> Option<Counts> {
        let mut counts = Counts::default();
        let input = self.input?;
        let cached = self.cached_input.unwrap_or(0);
        let written = self.cache_write.unwrap_or(0);
        let output = self.output.unwrap_or(0);
        let reasoning = self.reasoning.unwrap_or(0);
        let from_cache = cached.saturating_add(written);
        counts.inconsistent = from_cache > input || reasoning > output;
        counts.add(Meter::Input, input.saturating_sub(from_cache));
        counts.add(Meter::CacheRead, cached);
        counts.add(Meter::CacheWrite5m, written);
        counts.add(Meter::Output, output.saturating_sub(reasoning));
        counts.add(Meter::Reasoning, reasoning);
        Some(counts)
    }
}

/// OpenTelemetry's provider name in the words of the price map. A gateway's own short name stands for itself.
fn map_providers(provider: &str) -> Vec<&str> {
    match provider {
        "azure.ai.openai" => vec!["azure"],
        "azure.ai.inference" => vec!["azure_ai", "azure"],
        "aws.bedrock" => vec!["bedrock", "bedrock_converse"],
        "gcp.gemini" => vec!["gemini"],
        "gcp.vertex_ai" | "gcp.gen_ai" => vec!["vertex_ai", "gemini"],
        "mistral_ai" => vec!["mistral"],
        "x_ai" => vec!["xai"],
        other => vec![other],
    }
}

/// Whether an entry is that provider's. An entry without a provider serves any; an unknown provider takes any.
fn serves(entry: &Entry, providers: &[&str]) -> bool {
    let Some(owner) = entry.provider.as_deref() else {
        return true;
    };
    providers.iter().any(|provider| {
        provider.is_empty()
            || owner == *provider
            || owner.starts_with(&format!("{provider}_"))
            || owner.starts_with(&format!("{provider}-"))
    })
}

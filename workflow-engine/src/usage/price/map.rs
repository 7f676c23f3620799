//! Reading a price map: LiteLLM's JSON format, every number taken from its text, never through floating point.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::value::RawValue;

use super::entry::{Entry, Tier};
use super::off_peak::{OffPeak, Window, weekday};

/// Keys of the public map that are no models.
const RESERVED: [&str; 2] = ["sample_spec", "fallback_generalizations"];

/// Why a price map could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MapError {
    /// Not a JSON object of models.
    #[error("line {line}: {reason}")]
    Json {
        /// Line of the file, from 1.
        line: usize,
        /// What the reader says.
        reason: String,
    },
    /// A price that is no price.
    #[error("line {line}: `{model}.{key}` is {found}, but must be {expected}")]
    Value {
        /// Line of the file, from 1.
        line: usize,
        /// The model it belongs to.
        model: String,
        /// The key.
        key: String,
        /// What stands there.
        found: String,
        /// What must stand there.
        expected: &'static str,
    },
}

type Object<'a> = BTreeMap<String, &'a RawValue>;

/// Reads a whole price map: prices by model name.
///
/// # Errors
/// When it is not JSON of that format; the error names line, model and key.
pub fn parse(text: &str) -> Result<BTreeMap<String, Entry>, MapError> {
    let models: Object<'_> = serde_json::from_str(text).map_err(|error| MapError::Json {
        line: error.line(),
        reason: error.to_string(),
    })?;
    models
        .into_iter()
        .filter(|(model, _)| !RESERVED.contains(&model.as_str()))
        .map(|(model, raw)| {
            let reader = Reader { text, model: &model };
            let entry = reader.entry(raw)?;
            Ok((model, entry))
        })
        .collect()
}

/// Reads one model's entry and remembers where, for complaints.
struct Reader<'a> {
    text: &'a str,
    model: &'a str,
}

impl Reader<'_> {
    fn entry(&self, raw: &RawValue) -> Result<Entry, MapError> {
        let mut entry = Entry::default();
        for (key, value) in self.object("", raw)? {
            match key.as_str() {
                "litellm_provider" => entry.provider = text_of(value),
                "source" => entry.source = text_of(value),
                "effective_from" => entry.effective_from = self.date(&key, value)?,
                "tiered_pricing" => entry.tiers = self.tiers(&key, value)?,
                "off_peak_pricing" => entry.off_peak = self.off_peak(&key, value)?,
                "search_context_cost_per_query" => entry.search = self.prices(&key, value)?,
                "provider_specific_entry" => entry.surcharges = self.surcharges(&key, value)?,
                // Tables of services that are no models (guardrails) nest their prices; no meter of ours uses them.
                _ if is_price(&key) && !value.get().starts_with(['{', '[']) => {
                    if let Some(price) = self.price(&key, value)? {
                        entry.prices.insert(key, price);
                    }
                }
                _ => {}
            }
        }
        Ok(entry)
    }

    fn tiers(&self, key: &str, raw: &RawValue) -> Result<Vec<Tier>, MapError> {
        let items: Vec<&RawValue> = self.read(key, raw, "a list of tiers")?;
        let mut tiers = Vec::new();
        for item in items {
            let mut prices = BTreeMap::new();
            let mut range = None;
            for (name, value) in self.object(key, item)? {
                if name == "range" {
                    let ends: Vec<&RawValue> = self.read(key, value, "a range of two numbers")?;
                    if let [low, high] = ends.as_slice() {
                        range = self.price(key, low)?.zip(self.price(key, high)?);
                    }
                } else if is_price(&name)
                    && let Some(price) = self.price(&name, value)?
                {
                    prices.insert(name, price);
                }
            }
            // Some tables tier by something other than prompt length (results of a search): not for tokens.
            if let Some((above, up_to)) = range {
                tiers.push(Tier { above, up_to, prices });
            }
        }
        tiers.sort_by_key(|tier| tier.above);
        Ok(tiers)
    }

    fn off_peak(&self, key: &str, raw: &RawValue) -> Result<Option<OffPeak>, MapError> {
        let mut off_peak = OffPeak {
            prices: BTreeMap::new(),
            windows: Vec::new(),
            weekday_zone: chrono_tz::UTC,
        };
        for (name, value) in self.object(key, raw)? {
            match name.as_str() {
                "hours_utc" => off_peak.windows.extend(self.hours(key, value, None)?),
                "weekday_timezone" => {
                    off_peak.weekday_zone = text_of(value)
                        .and_then(|zone| zone.parse().ok())
                        .ok_or_else(|| self.wrong(&name, value, "the name of a time zone"))?;
                }
                "windows" => {
                    let rules: Vec<&RawValue> = self.read(&name, value, "a list of windows")?;
                    for rule in rules {
                        let rule = self.object(&name, rule)?;
                        let days = rule.get("weekdays").map(|days| self.weekdays(days)).transpose()?;
                        if let Some(hours) = rule.get("hours_utc") {
                            off_peak.windows.extend(self.hours(key, hours, days.as_ref())?);
                        }
                    }
                }
                _ if is_price(&name) => {
                    if let Some(price) = self.price(&name, value)? {
                        off_peak.prices.insert(name, price);
                    }
                }
                _ => {}
            }
        }
        Ok((!off_peak.windows.is_empty()).then_some(off_peak))
    }

    /// One window or a list of them, each `HH:MM-HH:MM`.
    fn hours(&self, key: &str, raw: &RawValue, days: Option<&Vec<u32>>) -> Result<Vec<Window>, MapError> {
        let expected = "hours such as \"16:30-00:30\"";
        let texts = match text_of(raw) {
            Some(text) => vec![text],
            None => self.read(key, raw, expected)?,
        };
        texts
            .iter()
            .map(|text| Window::parse(text, days.cloned()).ok_or_else(|| self.wrong(key, raw, expected)))
            .collect()
    }

    fn weekdays(&self, raw: &RawValue) -> Result<Vec<u32>, MapError> {
        let expected = "a list of weekdays, 1 (Monday) to 7";
        let days: Vec<&RawValue> = self.read("weekdays", raw, expected)?;
        days.iter()
            .map(|day| {
                let text = text_of(day).unwrap_or_else(|| day.get().to_owned());
                weekday(&text).ok_or_else(|| self.wrong("weekdays", day, expected))
            })
            .collect()
    }

    fn prices(&self, key: &str, raw: &RawValue) -> Result<BTreeMap<String, Decimal>, MapError> {
        if raw.get() == "null" {
            return Ok(BTreeMap::new());
        }
        let mut prices = BTreeMap::new();
        for (name, value) in self.object(key, raw)? {
            if let Some(price) = self.price(&name, value)? {
                prices.insert(name, price);
            }
        }
        Ok(prices)
    }

    /// The vendor's own entries hold settings of other kinds too; the numbers among them are factors.
    fn surcharges(&self, key: &str, raw: &RawValue) -> Result<BTreeMap<String, Decimal>, MapError> {
        if raw.get() == "null" {
            return Ok(BTreeMap::new());
        }
        let entries = self.object(key, raw)?.into_iter();
        Ok(entries
            .filter_map(|(name, value)| Some((name.clone(), self.price(&name, value).ok()??)))
            .collect())
    }

    /// A number or a decimal string; null is no price.
    fn price(&self, key: &str, raw: &RawValue) -> Result<Option<Decimal>, MapError> {
        let text = raw.get();
        if text == "null" {
            return Ok(None);
        }
        let number = text_of(raw).unwrap_or_else(|| text.to_owned());
        exact(&number)
            .filter(|price| !price.is_sign_negative() || price.is_zero())
            .map(Some)
            .ok_or_else(|| self.wrong(key, raw, "a number or decimal string of at least 0"))
    }

    fn date(&self, key: &str, raw: &RawValue) -> Result<Option<NaiveDate>, MapError> {
        text_of(raw)
            .and_then(|text| text.parse().ok())
            .map(Some)
            .ok_or_else(|| self.wrong(key, raw, "a date such as \"2026-11-01\""))
    }

    fn object<'b>(&self, key: &str, raw: &'b RawValue) -> Result<Object<'b>, MapError> {
        self.read(key, raw, "an object")
    }

    fn read<'b, T: serde::Deserialize<'b>>(
        &self,
        key: &str,
        raw: &'b RawValue,
        expected: &'static str,
    ) -> Result<T, MapError> {
        serde_json::from_str(raw.get()).map_err(|_| self.wrong(key, raw, expected))
    }

    fn wrong(&self, key: &str, raw: &RawValue, expected: &'static str) -> MapError {
        let offset = (raw.get().as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        let before = self.text.get(..offset).unwrap_or_default();
        MapError::Value {
            line: before.matches('\n').count() + 1,
            model: self.model.to_owned(),
            key: key.to_owned(),
            found: raw.get().chars().take(40).collect(),
            expected,
        }
    }
}

/// The number that `text` writes, digit by digit, also in scientific notation.
#[must_use]
pub fn exact(text: &str) -> Option<Decimal> {
    let text = text.trim();
    Decimal::from_str_exact(text)
        .or_else(|_| Decimal::from_scientific(text))
        .ok()
}

/// Whether a key of the map holds a price or a multiplier of prices.
fn is_price(key: &str) -> bool {
    key.contains("cost") || key.contains("_uplift_multiplier_") || key.ends_with("_uplift_multiplier")
}

fn text_of(raw: &RawValue) -> Option<String> {
    serde_json::from_str::<String>(raw.get()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_every_digit_of_their_text() {
        let map = parse(
            r#"{"m": {"input_cost_per_token": 0.0000029999900000000002, "output_cost_per_token": 2.5e-06,
                      "cache_read_input_token_cost": "0.0", "mode": "chat", "max_tokens": 8192}}"#,
        )
        .unwrap();
        let entry = &map["m"];
        assert_eq!(
            entry.price("input_cost_per_token").unwrap().to_string(),
            "0.0000029999900000000002"
        );
        assert_eq!(
            entry.price("output_cost_per_token").unwrap().to_string(),
            "0.0000025"
        );
        assert_eq!(entry.price("cache_read_input_token_cost"), Some(Decimal::ZERO));
        assert_eq!(entry.prices.len(), 3);
    }

    #[test]
    fn a_price_that_is_none_is_named_with_its_line() {
        let text = "{\n \"m\": {\n  \"input_cost_per_token\": \"cheap\"\n }\n}";
        insta::assert_snapshot!(
            parse(text).unwrap_err(),
            @r#"line 3: `m.input_cost_per_token` is "cheap", but must be a number or decimal string of at least 0"#
        );
        let text = "{\n \"m\": {\"input_cost_per_token\": -1}}";
        assert!(parse(text).unwrap_err().to_string().starts_with("line 2: "));
        assert!(matches!(
            parse("{\n\n[").unwrap_err(),
            MapError::Json { line: 3, .. }
        ));
    }

    #[test]
    fn reserved_keys_are_no_models() {
        let map = parse(r#"{"sample_spec": {"input_cost_per_token": "x"}, "m": {}}"#).unwrap();
        assert_eq!(map.keys().collect::<Vec<_>>(), ["m"]);
    }
}

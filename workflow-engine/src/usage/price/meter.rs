//! Meters: the kinds of use that have a price of their own, and disjoint counts of them.

use rust_decimal::Decimal;

/// A kind of use with a price of its own. No unit of use is counted under two meters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Meter {
    /// Prompt tokens that are neither cached nor of another kind.
    Input,
    /// Prompt tokens read from a cache.
    CacheRead,
    /// Cached prompt tokens that were audio; shown as `cache_read`, priced apart where the vendor does.
    CacheReadAudio,
    /// Cached prompt tokens that were images; shown as `cache_read`.
    CacheReadImage,
    /// Prompt tokens written to a cache for minutes.
    CacheWrite5m,
    /// Prompt tokens written to a cache for an hour or longer.
    CacheWrite1h,
    /// Audio in the prompt.
    InputAudio,
    /// Images in the prompt.
    InputImage,
    /// Video in the prompt.
    InputVideo,
    /// Text of the answer.
    Output,
    /// Thinking that the caller pays for.
    Reasoning,
    /// Audio in the answer.
    OutputAudio,
    /// Images in the answer, as tokens.
    OutputImage,
    /// Searches the vendor ran for the model.
    WebSearchRequest,
    /// Seconds of audio that were transcribed.
    AudioSecond,
    /// Characters that were spoken.
    Character,
    /// Reranking searches.
    SearchUnit,
    /// Whole images, where the vendor prices them by the piece.
    Image,
}

impl Meter {
    /// Its name in files and on pages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::CacheRead | Self::CacheReadAudio | Self::CacheReadImage => "cache_read",
            Self::CacheWrite5m => "cache_write_5m",
            Self::CacheWrite1h => "cache_write_1h",
            Self::InputAudio => "input_audio",
            Self::InputImage => "input_image",
            Self::InputVideo => "input_video",
            Self::Output => "output",
            Self::Reasoning => "reasoning",
            Self::OutputAudio => "output_audio",
            Self::OutputImage => "output_image",
            Self::WebSearchRequest => "web_search_request",
            Self::AudioSecond => "audio_second",
            Self::Character => "character",
            Self::SearchUnit => "search_unit",
            Self::Image => "image",
        }
    }

    /// Whether it counts tokens of the prompt: their sum is what long-context thresholds look at.
    #[must_use]
    pub fn is_prompt(self) -> bool {
        matches!(
            self,
            Self::Input
                | Self::CacheRead
                | Self::CacheReadAudio
                | Self::CacheReadImage
                | Self::CacheWrite5m
                | Self::CacheWrite1h
                | Self::InputAudio
                | Self::InputImage
                | Self::InputVideo
        )
    }

    /// Whether it counts tokens: regional and speed surcharges fall on these only.
    #[must_use]
    pub fn is_token(self) -> bool {
        self.is_prompt()
            || matches!(
                self,
                Self::Output | Self::Reasoning | Self::OutputAudio | Self::OutputImage
            )
    }
}

/// Disjoint counts of one call, and what the usage itself says about where and how it was served.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts {
    /// How much of each meter, none of them zero, each meter once.
    pub quantities: Vec<(Meter, Decimal)>,
    /// Whether the vendor's own figures contradict each other.
    pub inconsistent: bool,
    /// Service tier that the answer names.
    pub service_tier: Option<String>,
    /// Region that the answer names (`inference_geo`).
    pub inference_geo: Option<String>,
    /// Whether the answer says that it was served fast for a surcharge.
    pub fast: bool,
    /// Whether the usage says how many searches there were, none included.
    pub searches_known: bool,
}

impl Counts {
    /// Adds `tokens` to a meter; nothing is kept for zero.
    pub fn add(&mut self, meter: Meter, tokens: u64) {
        self.add_decimal(meter, Decimal::from(tokens));
    }

    /// Adds a quantity that need not be whole (seconds).
    pub fn add_decimal(&mut self, meter: Meter, quantity: Decimal) {
        if quantity.is_zero() {
            return;
        }
        match self.quantities.iter_mut().find(|(known, _)| *known == meter) {
            Some((_, sum)) => *sum += quantity,
            None => self.quantities.push((meter, quantity)),
        }
    }

    /// Tokens of the whole prompt, cached or not.
    #[must_use]
    pub fn prompt_tokens(&self) -> Decimal {
        self.quantities
            .iter()
            .filter(|(meter, _)| meter.is_prompt())
            .map(|(_, quantity)| *quantity)
            .sum()
    }

    /// How much of one meter.
    #[must_use]
    pub fn quantity(&self, meter: Meter) -> Decimal {
        self.quantities
            .iter()
            .find(|(known, _)| *known == meter)
            .map_or(Decimal::ZERO, |(_, quantity)| *quantity)
    }
}

//! Counting in OpenAI's manner: totals include their parts, so the plain rest is what is left over.

use super::super::meter::{Counts, Meter};
use super::fields::{Fields, UsageError};

/// The prompt side: a total with the parts that are counted inside it.
#[derive(Default)]
pub(super) struct Prompt {
    /// Stated total.
    pub(super) total: u64,
    /// Read from a cache.
    pub(super) cached: u64,
    /// Of these, audio.
    pub(super) cached_audio: u64,
    /// Of these, images.
    pub(super) cached_image: u64,
    /// Written to a cache for minutes.
    pub(super) written_5m: u64,
    /// Written to a cache for an hour or more.
    pub(super) written_1h: u64,
    /// Audio, cached or not.
    pub(super) audio: u64,
    /// Images, cached or not.
    pub(super) image: u64,
    /// Video.
    pub(super) video: u64,
}

impl Prompt {
    /// Counts each part once. What the cache covers is not counted again as audio or image.
    pub(super) fn add_to(&self, counts: &mut Counts) {
        let cached_audio = self.cached_audio.min(self.cached);
        let cached_image = self.cached_image.min(self.cached - cached_audio);
        let from_cache = self.cached + self.written_5m + self.written_1h;
        if from_cache > self.total {
            counts.inconsistent = true;
        }
        let mut rest = self.total.saturating_sub(from_cache);
        let mut take = |wanted: u64| {
            let taken = wanted.min(rest);
            rest -= taken;
            taken
        };
        let audio = take(self.audio.saturating_sub(cached_audio));
        let image = take(self.image.saturating_sub(cached_image));
        let video = take(self.video);
        counts.add(Meter::Input, rest);
        counts.add(Meter::CacheRead, self.cached - cached_audio - cached_image);
        counts.add(Meter::CacheReadAudio, cached_audio);
        counts.add(Meter::CacheReadImage, cached_image);
        counts.add(Meter::CacheWrite5m, self.written_5m);
        counts.add(Meter::CacheWrite1h, self.written_1h);
        counts.add(Meter::InputAudio, audio);
        counts.add(Meter::InputImage, image);
        counts.add(Meter::InputVideo, video);
    }
}

/// The answer side.
#[derive(Default)]
pub(super) struct Answer {
    /// Stated total.
    pub(super) total: u64,
    /// Thinking, inside the total.
    pub(super) reasoning: u64,
    /// Audio, inside the total.
    pub(super) audio: u64,
    /// Images, inside the total.
    pub(super) image: u64,
}

impl Answer {
    /// Counts each part once; parts that exceed the total are counted as they stand, and marked.
    pub(super) fn add_to(&self, counts: &mut Counts) {
        let parts = self.reasoning + self.audio + self.image;
        if parts > self.total {
            counts.inconsistent = true;
        }
        counts.add(Meter::Output, self.total.saturating_sub(parts));
        counts.add(Meter::Reasoning, self.reasoning);
        counts.add(Meter::OutputAudio, self.audio);
        counts.add(Meter::OutputImage, self.image);
    }
}

/// Tokens written to a cache, by how long they are kept; without the detail all are kept for minutes.
pub(super) fn written(details: &Fields<'_>) -> Result<(u64, u64), UsageError> {
    let stated = match details.count("cache_write_tokens")? {
        Some(tokens) => tokens,
        None => details.count_or_zero("cache_creation_tokens")?,
    };
    let by_time = details.object("cache_write_tokens_details")?;
    let long = by_time.count_or_zero("ttl_12h_tokens")?.min(stated);
    Ok((stated - long, long))
}

/// Thinking is inside the answer at OpenAI, but outside at vendors whose total adds it (xAI).
/// Returns the answer's total with it inside.
pub(super) fn with_reasoning_inside(prompt: u64, answer: u64, reasoning: u64, total: Option<u64>) -> u64 {
    let outside = reasoning > 0 && total == Some(prompt + answer + reasoning);
    if outside { answer + reasoning } else { answer }
}

/// Marks a stated total that is not the sum of its two sides.
pub(super) fn check_total(counts: &mut Counts, stated: Option<u64>, prompt: u64, answer: u64) {
    if stated.is_some_and(|total| total != prompt + answer) {
        counts.inconsistent = true;
    }
}

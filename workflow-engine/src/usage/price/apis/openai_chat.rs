//! `openai.chat`: cached, written, audio and reasoning tokens are inside the totals. DeepSeek's two cache fields too.

use super::super::meter::Counts;
use super::fields::{Fields, UsageError};
use super::openai_style::{Answer, Prompt, check_total, with_reasoning_inside, written};

pub(super) fn counts(usage: &Fields<'_>) -> Result<Counts, UsageError> {
    let mut counts = Counts::default();
    let stated_total = usage.count("total_tokens")?;
    let prompt_tokens = usage.needed("prompt_tokens")?;
    let stated_answer = usage
        .count("completion_tokens")?
        .unwrap_or_else(|| stated_total.map_or(0, |total| total.saturating_sub(prompt_tokens)));

    let details = usage.object("prompt_tokens_details")?;
    let cached_details = details.object("cached_tokens_details")?;
    let (written_5m, written_1h) = written(&details)?;
    let hits = usage.count("prompt_cache_hit_tokens")?;
    let misses = usage.count("prompt_cache_miss_tokens")?;
    if let (Some(hits), Some(misses)) = (hits, misses) {
        counts.inconsistent |= hits + misses != prompt_tokens;
    }
    let prompt = Prompt {
        total: prompt_tokens,
        cached: match hits {
            Some(hits) => hits,
            None => details.count_or_zero("cached_tokens")?,
        },
        cached_audio: cached_details.count_or_zero("audio_tokens")?,
        cached_image: cached_details.count_or_zero("image_tokens")?,
        written_5m,
        written_1h,
        audio: details.count_or_zero("audio_tokens")?,
        image: details.count_or_zero("image_tokens")?,
        video: details.count_or_zero("video_tokens")?,
    };

    let details = usage.object("completion_tokens_details")?;
    let reasoning = details.count_or_zero("reasoning_tokens")?;
    let answer = Answer {
        total: with_reasoning_inside(prompt_tokens, stated_answer, reasoning, stated_total),
        reasoning,
        audio: details.count_or_zero("audio_tokens")?,
        image: details.count_or_zero("image_tokens")?,
    };
    check_total(&mut counts, stated_total, prompt_tokens, answer.total);
    prompt.add_to(&mut counts);
    answer.add_to(&mut counts);
    counts.service_tier = usage.text("service_tier").map(str::to_owned);
    Ok(counts)
}

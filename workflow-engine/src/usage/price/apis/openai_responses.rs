//! `openai.responses`: like chat under other names, with cache writes by how long they are kept.

use super::super::meter::Counts;
use super::fields::{Fields, UsageError};
use super::openai_style::{Answer, Prompt, check_total, with_reasoning_inside, written};

pub(super) fn counts(usage: &Fields<'_>) -> Result<Counts, UsageError> {
    let mut counts = Counts::default();
    let stated_total = usage.count("total_tokens")?;
    let input = usage.needed("input_tokens")?;
    let output = usage
        .count("output_tokens")?
        .unwrap_or_else(|| stated_total.map_or(0, |total| total.saturating_sub(input)));

    let details = usage.object("input_tokens_details")?;
    let cached_details = details.object("cached_tokens_details")?;
    let (written_5m, written_1h) = written(&details)?;
    let prompt = Prompt {
        total: input,
        cached: details.count_or_zero("cached_tokens")?,
        cached_audio: cached_details.count_or_zero("audio_tokens")?,
        cached_image: cached_details.count_or_zero("image_tokens")?,
        written_5m,
        written_1h,
        audio: details.count_or_zero("audio_tokens")?,
        image: details.count_or_zero("image_tokens")?,
        video: 0,
    };
    let details = usage.object("output_tokens_details")?;
    let reasoning = details.count_or_zero("reasoning_tokens")?;
    let answer = Answer {
        total: with_reasoning_inside(input, output, reasoning, stated_total),
        reasoning,
        audio: details.count_or_zero("audio_tokens")?,
        image: details.count_or_zero("image_tokens")?,
    };
    check_total(&mut counts, stated_total, input, answer.total);
    prompt.add_to(&mut counts);
    answer.add_to(&mut counts);
    counts.service_tier = usage.text("service_tier").map(str::to_owned);
    Ok(counts)
}

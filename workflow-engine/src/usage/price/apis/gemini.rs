//! `gemini.generateContent`: thoughts stand outside the answer, cached tokens inside the prompt, kinds in lists.

use super::super::meter::Counts;
use super::fields::{Fields, UsageError};
use super::openai_style::{Answer, Prompt};

pub(super) fn counts(usage: &Fields<'_>) -> Result<Counts, UsageError> {
    let mut counts = Counts::default();
    let stated_prompt = usage.count("promptTokenCount")?;
    let stated_total = usage.count("totalTokenCount")?;
    if stated_prompt.is_none() && stated_total.is_none() {
        return Err(usage.missing("promptTokenCount"));
    }
    let prompt_tokens = stated_prompt.unwrap_or(0);
    // Prompt tokens that tool results added. They are billed as input; some totals leave them out.
    let from_tools = usage.count_or_zero("toolUsePromptTokenCount")?;
    let candidates = usage.count_or_zero("candidatesTokenCount")?;
    let thoughts = usage.count_or_zero("thoughtsTokenCount")?;

    let kinds = kinds(usage, "promptTokensDetails")?;
    let cached_kinds = self::kinds(usage, "cacheTokensDetails")?;
    let answer_kinds = self::kinds(usage, "candidatesTokensDetails")?;
    counts.inconsistent |= kinds.total > 0 && kinds.total != prompt_tokens;
    Prompt {
        total: prompt_tokens + from_tools,
        cached: usage.count_or_zero("cachedContentTokenCount")?,
        cached_audio: cached_kinds.audio,
        cached_image: cached_kinds.image,
        audio: kinds.audio,
        image: kinds.image,
        video: kinds.video,
        ..Prompt::default()
    }
    .add_to(&mut counts);
    Answer {
        total: candidates + thoughts,
        reasoning: thoughts,
        audio: answer_kinds.audio,
        image: answer_kinds.image,
    }
    .add_to(&mut counts);
    let sum = prompt_tokens + candidates + thoughts;
    counts.inconsistent |= stated_total.is_some_and(|total| total != sum && total != sum + from_tools);
    Ok(counts)
}

/// Tokens of one side by kind.
#[derive(Default)]
struct Kinds {
    audio: u64,
    image: u64,
    video: u64,
    total: u64,
}

fn kinds(usage: &Fields<'_>, name: &str) -> Result<Kinds, UsageError> {
    let mut kinds = Kinds::default();
    for entry in usage.list(name)? {
        let tokens = entry.count_or_zero("tokenCount")?;
        kinds.total += tokens;
        match entry.text("modality").unwrap_or_default() {
            "AUDIO" => kinds.audio += tokens,
            "IMAGE" => kinds.image += tokens,
            "VIDEO" => kinds.video += tokens,
            _ => {}
        }
    }
    Ok(kinds)
}

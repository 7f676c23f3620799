//! `audio.transcription` and `audio.speech`: seconds, characters, or tokens on newer models.

use super::super::meter::{Counts, Meter};
use super::fields::{Fields, UsageError};
use super::openai_style::{Answer, Prompt, check_total};

pub(super) fn transcription(usage: &Fields<'_>) -> Result<Counts, UsageError> {
    for name in ["duration_seconds", "seconds", "duration"] {
        if let Some(seconds) = usage.quantity(name)? {
            return Ok(single(Meter::AudioSecond, seconds));
        }
    }
    if usage.count("input_tokens")?.is_none() {
        return Err(usage.missing("duration_seconds"));
    }
    tokens(usage, false)
}

pub(super) fn speech(usage: &Fields<'_>) -> Result<Counts, UsageError> {
    for name in ["characters", "input_characters", "character_count"] {
        if let Some(characters) = usage.quantity(name)? {
            return Ok(single(Meter::Character, characters));
        }
    }
    if usage.count("input_tokens")?.is_none() {
        return Err(usage.missing("characters"));
    }
    tokens(usage, true)
}

fn single(meter: Meter, quantity: rust_decimal::Decimal) -> Counts {
    let mut counts = Counts::default();
    counts.add_decimal(meter, quantity);
    counts
}

fn tokens(usage: &Fields<'_>, speaks: bool) -> Result<Counts, UsageError> {
    let mut counts = Counts::default();
    let input = usage.needed("input_tokens")?;
    let output = usage.count_or_zero("output_tokens")?;
    let details = usage.object("input_token_details")?;
    let prompt = Prompt {
        total: input,
        audio: details.count_or_zero("audio_tokens")?,
        ..Prompt::default()
    };
    let answer = Answer {
        total: output,
        audio: if speaks { output } else { 0 },
        ..Answer::default()
    };
    check_total(&mut counts, usage.count("total_tokens")?, input, output);
    prompt.add_to(&mut counts);
    answer.add_to(&mut counts);
    Ok(counts)
}

//! `openai.embeddings`: a prompt and no answer.

use super::super::meter::{Counts, Meter};
use super::fields::{Fields, UsageError};
use super::openai_style::check_total;

pub(super) fn counts(usage: &Fields<'_>) -> Result<Counts, UsageError> {
    let mut counts = Counts::default();
    let total = usage.count("total_tokens")?;
    let prompt = usage
        .count("prompt_tokens")?
        .or(total)
        .ok_or_else(|| usage.missing("prompt_tokens"))?;
    let answer = usage.count_or_zero("completion_tokens")?;
    check_total(&mut counts, total, prompt, answer);
    counts.add(Meter::Input, prompt);
    counts.add(Meter::Output, answer);
    Ok(counts)
}

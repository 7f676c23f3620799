//! `openai.images`: text and pictures in, pictures out; older models are paid by the picture.

use super::super::meter::{Counts, Meter};
use super::fields::{Fields, UsageError};
use super::openai_style::{Answer, Prompt, check_total};

pub(super) fn counts(usage: &Fields<'_>) -> Result<Counts, UsageError> {
    let mut counts = Counts::default();
    let pictures = match usage.count("images")? {
        None => usage.count("n")?,
        known => known,
    };
    let Some(input) = usage.count("input_tokens")? else {
        let pictures = pictures.ok_or_else(|| usage.missing("input_tokens"))?;
        counts.add(Meter::Image, pictures);
        return Ok(counts);
    };
    let output = usage.count_or_zero("output_tokens")?;
    let details = usage.object("input_tokens_details")?;
    let image = details.count_or_zero("image_tokens")?;
    if let Some(text) = details.count("text_tokens")? {
        counts.inconsistent |= text + image != input;
    }
    let cached_details = details.object("cached_tokens_details")?;
    let prompt = Prompt {
        total: input,
        cached: details.count_or_zero("cached_tokens")?,
        cached_image: cached_details.count_or_zero("image_tokens")?,
        image,
        ..Prompt::default()
    };
    let details = usage.object("output_tokens_details")?;
    let text = details.count_or_zero("text_tokens")?;
    let answer = Answer {
        total: output,
        image: match details.count("image_tokens")? {
            Some(image) => image,
            None => output.saturating_sub(text),
        },
        ..Answer::default()
    };
    check_total(&mut counts, usage.count("total_tokens")?, input, output);
    prompt.add_to(&mut counts);
    answer.add_to(&mut counts);
    Ok(counts)
}

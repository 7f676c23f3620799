//! `bedrock.converse`: cache reads and writes stand outside `inputTokens`.

use super::super::meter::{Counts, Meter};
use super::fields::{Fields, UsageError};

pub(super) fn counts(usage: &Fields<'_>) -> Result<Counts, UsageError> {
    let mut counts = Counts::default();
    let input = usage.needed("inputTokens")?;
    let output = usage.count_or_zero("outputTokens")?;
    let read = either(usage, "cacheReadInputTokens", "cacheReadInputTokenCount")?;
    let written = either(usage, "cacheWriteInputTokens", "cacheWriteInputTokenCount")?;
    let mut long = 0;
    for entry in usage.list("cacheDetails")? {
        if entry.text("ttl") == Some("1h") {
            long += entry.count_or_zero("inputTokens")?;
        }
    }
    counts.inconsistent |= long > written;
    counts.add(Meter::Input, input);
    counts.add(Meter::CacheRead, read);
    counts.add(Meter::CacheWrite5m, written.saturating_sub(long));
    counts.add(Meter::CacheWrite1h, long);
    counts.add(Meter::Output, output);
    // Older answers leave the cache out of their total.
    let (plain, whole) = (input + output, input + output + read + written);
    let total = usage.count("totalTokens")?;
    counts.inconsistent |= total.is_some_and(|total| total != plain && total != whole);
    Ok(counts)
}

/// The same figure under its two names.
fn either(usage: &Fields<'_>, name: &str, other: &str) -> Result<u64, UsageError> {
    match usage.count(name)? {
        Some(tokens) => Ok(tokens),
        None => usage.count_or_zero(other),
    }
}

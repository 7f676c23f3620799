//! `anthropic.messages`: cache reads and writes stand outside `input_tokens`; rounds of one request are summed.

use super::super::meter::{Counts, Meter};
use super::fields::{Fields, UsageError};

pub(super) fn counts(usage: &Fields<'_>) -> Result<Counts, UsageError> {
    let mut counts = Counts::default();
    let rounds = usage.list("iterations")?;
    if rounds.is_empty() {
        usage.needed("input_tokens")?;
        add_round(usage, &mut counts)?;
    }
    for round in &rounds {
        add_round(round, &mut counts)?;
    }
    let searches = usage
        .object("server_tool_use")?
        .count_or_zero("web_search_requests")?;
    counts.add(Meter::WebSearchRequest, searches);
    counts.searches_known = true;
    counts.service_tier = usage.text("service_tier").map(str::to_owned);
    counts.inference_geo = usage.text("inference_geo").map(str::to_owned);
    counts.fast = usage.text("speed") == Some("fast");
    Ok(counts)
}

fn add_round(usage: &Fields<'_>, counts: &mut Counts) -> Result<(), UsageError> {
    counts.add(Meter::Input, usage.count_or_zero("input_tokens")?);
    counts.add(Meter::CacheRead, usage.count_or_zero("cache_read_input_tokens")?);
    let by_time = usage.object("cache_creation")?;
    let short = by_time.count("ephemeral_5m_input_tokens")?;
    let long = by_time.count("ephemeral_1h_input_tokens")?;
    let detailed = short.unwrap_or(0) + long.unwrap_or(0);
    let written = usage.count("cache_creation_input_tokens")?;
    if short.is_some() || long.is_some() {
        counts.inconsistent |= written.is_some_and(|written| written != detailed);
    }
    // What the detail leaves open was written for minutes, as all is without the detail.
    let unexplained = written.unwrap_or(0).saturating_sub(detailed);
    counts.add(Meter::CacheWrite5m, short.unwrap_or(0) + unexplained);
    counts.add(Meter::CacheWrite1h, long.unwrap_or(0));
    counts.add(Meter::Output, usage.count_or_zero("output_tokens")?);
    Ok(())
}

//! `rerank`: search units, or tokens at vendors that count them.

use super::super::meter::{Counts, Meter};
use super::fields::{Fields, UsageError};

pub(super) fn counts(usage: &Fields<'_>) -> Result<Counts, UsageError> {
    let mut counts = Counts::default();
    let billed = usage.object("billed_units")?;
    let units = match billed.quantity("search_units")? {
        None => usage.quantity("search_units")?,
        known => known,
    };
    if let Some(units) = units {
        counts.add_decimal(Meter::SearchUnit, units);
        return Ok(counts);
    }
    let tokens = match billed.count("input_tokens")? {
        None => usage.count("total_tokens")?,
        known => known,
    };
    counts.add(
        Meter::Input,
        tokens.ok_or_else(|| usage.missing("billed_units.search_units"))?,
    );
    Ok(counts)
}

//! Percentiles of what was measured.

use std::time::Duration;

/// The `share` quantile in milliseconds, nearest rank; 0 of nothing.
pub(super) fn percentile_ms(measured: &mut [Duration], share: f64) -> f64 {
    if measured.is_empty() {
        return 0.0;
    }
    measured.sort_unstable();
    let rank = ((measured.len() as f64 * share).ceil() as usize).clamp(1, measured.len());
    measured[rank - 1].as_secs_f64() * 1000.0
}

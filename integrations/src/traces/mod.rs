//! Sources of calls that are no gateway of their own.

pub(crate) mod json_rows;
pub mod otlp;
pub mod python;
pub mod rows;

use rust_decimal::Decimal;

/// An amount that was sent as a binary number, as the shortest decimal that reads back the same: `1.05e-05` is
/// `0.0000105`. This is the one place where money enters as a float, because senders write it so. None for
/// what no call costs.
pub(crate) fn decimal(amount: f64) -> Option<Decimal> {
    if !(0.0..1e9).contains(&amount) {
        return None;
    }
    let text = format!("{amount:e}");
    Decimal::from_scientific(&text)
        .ok()
        .map(|amount| amount.normalize())
}

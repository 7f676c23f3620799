//! Exact fractions, rounded only when they are written: half to even, trailing zeros dropped.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, Zero};

/// An exact amount or quantity.
pub type Exact = BigRational;

/// Decimals an amount is written with.
pub const AMOUNT_PLACES: u32 = 10;
/// Decimals a percentage is written with.
pub const PERCENT_PLACES: u32 = 6;

/// Longest text that is read as a number: no figure of finance needs more.
const LONGEST: usize = 60;

/// The number that `text` writes (`-12.50`, `1e-7`), exactly.
#[must_use]
pub fn parse(text: &str) -> Option<Exact> {
    let text = text.trim();
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let only_digits = whole
        .trim_start_matches(['-', '+'])
        .chars()
        .chain(fraction.chars());
    if digits.len() > LONGEST || exponent.abs() > 100 || !only_digits.clone().all(|c| c.is_ascii_digit()) {
        return None;
    }
    only_digits.clone().next()?;
    let value = BigInt::parse_bytes(digits.as_bytes(), 10)?;
    let shift = exponent - i32::try_from(fraction.len()).ok()?;
    let power = BigInt::from(10).pow(shift.unsigned_abs());
    Some(if shift < 0 {
        Exact::new(value, power)
    } else {
        Exact::from_integer(value * power)
    })
}

/// The number as a decimal of at most `places` decimals, half to even, without trailing zeros.
#[must_use]
pub fn plain(value: &Exact, places: u32) -> String {
    let scale = BigInt::from(10).pow(places);
    let scaled = half_even(&(value * Exact::from_integer(scale.clone())));
    let digits = scaled.abs();
    let (whole, fraction) = (&digits / &scale, &digits % &scale);
    let sign = if scaled.is_negative() { "-" } else { "" };
    let width = places as usize;
    let fraction = format!("{fraction:0>width$}");
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{fraction}")
    }
}

/// An amount as it is written to files.
#[must_use]
pub fn amount(value: &Exact) -> String {
    plain(value, AMOUNT_PLACES)
}

/// `part` of `whole` in percent, as it is written to files.
#[must_use]
pub fn percent(part: &Exact, whole: &Exact) -> String {
    if whole.is_zero() {
        return "0".to_owned();
    }
    plain(
        &(part / whole * Exact::from_integer(BigInt::from(100))),
        PERCENT_PLACES,
    )
}

fn half_even(value: &Exact) -> BigInt {
    let floor = value.floor().to_integer();
    let rest = value - Exact::from_integer(floor.clone());
    let half = Exact::new(BigInt::one(), BigInt::from(2));
    let up = rest > half || (rest == half && !(&floor % 2u8).is_zero());
    if up { floor + 1 } else { floor }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(text: &str, places: u32) -> String {
        plain(&parse(text).unwrap(), places)
    }

    #[test]
    fn halves_go_to_the_even_neighbour_on_both_sides_of_zero() {
        assert_eq!(round("0.125", 2), "0.12");
        assert_eq!(round("0.135", 2), "0.14");
        assert_eq!(round("-0.125", 2), "-0.12");
        assert_eq!(round("-0.004", 2), "0");
        assert_eq!(round("1200.500", 2), "1200.5");
    }

    #[test]
    fn numbers_are_read_as_written_or_not_at_all() {
        assert_eq!(round("2.5e-7", 10), "0.00000025");
        assert_eq!(round("+12", 2), "12");
        assert_eq!(round(".5", 2), "0.5");
        for text in ["", "-", ".", "1,000", "1e999", "--1", "0x10", "NaN", "1.2.3"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}

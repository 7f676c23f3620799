//! Money and tokens: exact, never floating point.

use std::{fmt, iter::Sum, ops};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// An exact amount of US dollars; JSON form is a decimal string.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Usd(#[serde(with = "rust_decimal::serde::str")] pub Decimal);

impl Usd {
    /// Nothing.
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// The amount times a measured ratio: an estimate, so rounded to a millionth. None where the ratio is no number.
    #[must_use]
    pub fn times(self, ratio: f64) -> Option<Self> {
        let ratio = Decimal::from_f64_retain(ratio)?;
        Some(Self(self.0.checked_mul(ratio)?.round_dp(6)))
    }

    /// The amount without trailing zeros, as it is written to files.
    #[must_use]
    pub fn plain(&self) -> String {
        self.0.normalize().to_string()
    }
}

impl fmt::Display for Usd {
    /// As finance reads it: two decimals from one dollar up, four significant below.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0.is_sign_negative() && !self.0.is_zero() {
            "−"
        } else {
            ""
        };
        let amount = self.0.abs();
        if amount.is_zero() || amount >= Decimal::ONE {
            return write!(f, "{sign}${}", grouped(amount));
        }
        let digits = amount.round_sf(3).unwrap_or(amount).normalize();
        write!(f, "{sign}${digits}")
    }
}

/// Two decimals and thousands separated by commas.
fn grouped(amount: Decimal) -> String {
    let text = format!("{:.2}", amount.round_dp(2));
    let (whole, cents) = text.split_once('.').unwrap_or((&text, "00"));
    let mut out = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    format!("{out}.{cents}")
}

impl ops::Add for Usd {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl ops::AddAssign for Usd {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl ops::Sub for Usd {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Sum for Usd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, ops::Add::add)
    }
}

/// A number of model tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tokens(pub u64);

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(text: &str) -> Usd {
        Usd(text.parse().unwrap())
    }

    #[test]
    fn amounts_read_as_finance_writes_them() {
        assert_eq!(usd("1234567.891").to_string(), "$1,234,567.89");
        assert_eq!(usd("0").to_string(), "$0.00");
        assert_eq!(usd("0.000125").to_string(), "$0.000125");
        assert_eq!(usd("-12.5").to_string(), "−$12.50");
    }

    #[test]
    fn sums_are_exact() {
        let total: Usd = std::iter::repeat_n(usd("0.1"), 10).sum();
        assert_eq!(total, usd("1"));
    }
}

//! Figures as finance reads them: short amounts, comparisons, days.

use chrono::{Datelike, NaiveDate};
use rust_decimal::{Decimal, RoundingStrategy};

use crate::values::Usd;

/// An amount of about three digits: `$583k`, `$96.2k`, `$845`, `$2.83`, `less than a cent`.
#[must_use]
pub fn money(amount: Usd) -> String {
    let sign = if amount.0.is_sign_negative() && !amount.0.is_zero() {
        "−"
    } else {
        ""
    };
    let size = amount.0.abs();
    if size.is_zero() {
        return "$0".to_owned();
    }
    if size < Decimal::new(5, 3) {
        return format!("{sign}less than a cent");
    }
    format!("{sign}${}", short(size))
}

/// The digits of [`money`] without the sign of the currency: for ranges (`520k–650k`).
#[must_use]
pub fn short(size: Decimal) -> String {
    let thousand = Decimal::ONE_THOUSAND;
    // From a value that would round up to the next unit on, that unit is used.
    if size >= Decimal::new(999_500, 0) {
        return format!("{}M", digits(size / (thousand * thousand)));
    }
    if size >= Decimal::new(9995, 1) {
        return format!("{}k", digits(size / thousand));
    }
    if size >= Decimal::ONE_HUNDRED {
        return round(size, 0);
    }
    let cents = round(size, 2);
    cents.strip_suffix(".00").map(str::to_owned).unwrap_or(cents)
}

/// Three digits: 1.23, 12.3, 123.
fn digits(value: Decimal) -> String {
    let places = match value {
        value if value >= Decimal::new(995, 1) => 0,
        value if value >= Decimal::new(995, 2) => 1,
        _ => 2,
    };
    let text = round(value, places);
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

fn round(value: Decimal, places: u32) -> String {
    let rounded = value.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero);
    format!("{rounded:.*}", places as usize)
}

/// A change of an amount with its sign always shown: `+$3.00k`, `−$6.10k`.
#[must_use]
pub fn signed(amount: Usd) -> String {
    if amount.0.is_sign_negative() || amount.0.is_zero() {
        return money(amount);
    }
    format!("+{}", money(amount))
}

/// `4 % below`, `12 % above`, `the same as`, `more than 10 times`; none where there is nothing to compare with.
#[must_use]
pub fn compared(now: Usd, before: Usd) -> Option<String> {
    if before.0 <= Decimal::ZERO {
        return None;
    }
    let percent = (now.0 - before.0) / before.0 * Decimal::ONE_HUNDRED;
    if percent >= Decimal::from(900) {
        return Some("more than 10 times".to_owned());
    }
    let rounded = percent.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
    Some(match rounded {
        zero if zero.is_zero() => "the same as".to_owned(),
        below if below.is_sign_negative() => format!("{} % below", below.abs()),
        above => format!("{above} % above"),
    })
}

/// A share in percent, never rounded to a full 100 or to 0 when it is not: `97.4 %`.
#[must_use]
pub fn share(part: Usd, whole: Usd) -> String {
    if whole.0 <= Decimal::ZERO {
        return "–".to_owned();
    }
    let percent = part.0 / whole.0 * Decimal::ONE_HUNDRED;
    let tenth = Decimal::new(1, 1);
    let rounded = percent.round_dp_with_strategy(1, RoundingStrategy::MidpointAwayFromZero);
    let kept = match rounded {
        full if full >= Decimal::ONE_HUNDRED && percent < Decimal::ONE_HUNDRED => {
            Decimal::ONE_HUNDRED - tenth
        }
        none if none.is_zero() && percent > Decimal::ZERO => tenth,
        other => other,
    };
    format!("{} %", kept.normalize())
}

/// `1 call`, `12 calls`, `1,240 calls`.
#[must_use]
pub fn calls(count: i64) -> String {
    format!("{} {}", grouped(count), if count == 1 { "call" } else { "calls" })
}

/// A number with its thousands told apart.
#[must_use]
pub fn grouped(count: i64) -> String {
    let digits = count.unsigned_abs().to_string();
    let mut out = String::from(if count < 0 { "−" } else { "" });
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `16 November`.
#[must_use]
pub fn day(day: NaiveDate) -> String {
    format!("{} {}", day.day(), day.format("%B"))
}

/// `1st`, `22nd`, `27th`.
#[must_use]
pub fn ordinal(number: u32) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(text: &str) -> Usd {
        Usd(text.parse().unwrap())
    }

    #[test]
    fn amounts_have_about_three_digits() {
        let cases = [
            ("0", "$0"),
            ("0.0004", "less than a cent"),
            ("0.005", "$0.01"),
            ("2.827", "$2.83"),
            ("99.995", "$100"),
            ("845.4", "$845"),
            ("999.49", "$999"),
            ("999.6", "$1k"),
            ("96240", "$96.2k"),
            ("412300", "$412k"),
            ("999600", "$1M"),
            ("1234567", "$1.23M"),
            ("-6100", "−$6.1k"),
        ];
        for (amount, text) in cases {
            assert_eq!(money(usd(amount)), text, "{amount}");
        }
        assert_eq!(signed(usd("3000")), "+$3k");
    }

    #[test]
    fn comparisons_say_what_they_compare_with() {
        assert_eq!(compared(usd("96"), usd("100")).unwrap(), "4 % below");
        assert_eq!(compared(usd("100.2"), usd("100")).unwrap(), "the same as");
        assert_eq!(compared(usd("1500"), usd("100")).unwrap(), "more than 10 times");
        assert_eq!(compared(usd("5"), usd("0")), None);
    }

    #[test]
    fn a_share_is_full_or_empty_only_when_it_is() {
        assert_eq!(share(usd("99.99"), usd("100")), "99.9 %");
        assert_eq!(share(usd("100"), usd("100")), "100 %");
        assert_eq!(share(usd("0.001"), usd("100")), "0.1 %");
        assert_eq!(share(usd("0"), usd("100")), "0 %");
        assert_eq!(share(usd("0"), usd("0")), "–");
    }

    #[test]
    fn days_and_counts_read_naturally() {
        assert_eq!(day("2026-11-16".parse().unwrap()), "16 November");
        assert_eq!(
            (ordinal(1), ordinal(12), ordinal(22), ordinal(27)),
            (
                "1st".to_owned(),
                "12th".to_owned(),
                "22nd".to_owned(),
                "27th".to_owned()
            )
        );
        assert_eq!(
            (calls(1), calls(1_240)),
            ("1 call".to_owned(), "1,240 calls".to_owned())
        );
    }
}

//! Figures as people read them: rounded to what they are good for, with their unit, minus as a minus.

use rust_decimal::Decimal;

use crate::values::Usd;

/// `1,240`.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A difference of proportions in points, signed: `−1.9`.
#[must_use]
pub fn points(difference: f64) -> String {
    let tenths = (difference * 1000.0).round() / 10.0;
    match tenths {
        0.0 => "0.0".to_owned(),
        less if less < 0.0 => format!("−{:.1}", -less),
        more => format!("+{more:.1}"),
    }
}

/// A share in whole percent: `43`.
#[must_use]
pub fn percent(share: f64) -> String {
    format!("{:.0}", (share * 100.0).round().max(0.0))
}

/// A ratio as a change: `−57 %`, `+110 %`, `no change`.
#[must_use]
pub fn change(ratio: f64) -> String {
    let percent = (ratio - 1.0) * 100.0;
    if percent.abs() < 0.05 {
        return "no change".to_owned();
    }
    let sign = if percent < 0.0 { "−" } else { "+" };
    if percent.abs() < 10.0 {
        return format!("{sign}{:.1} %", percent.abs());
    }
    format!("{sign}{:.0} %", percent.abs())
}

/// A share that is at most so large, as a limit is said: `0.24 %`, `3.1 %`, `12 %`.
#[must_use]
pub fn at_most(share: f64) -> String {
    // A limit is rounded up, so that it stays one.
    let up = |digits: i32| (share * 100.0 * 10_f64.powi(digits) - 1e-9).ceil() / 10_f64.powi(digits);
    match share * 100.0 {
        small if small < 1.0 => format!("{:.2} %", up(2)),
        middle if middle < 10.0 => format!("{:.1} %", up(1)),
        _ => format!("{:.0} %", up(0)),
    }
}

/// `2.1 times`; below 1 with two digits.
#[must_use]
pub fn times(ratio: f64) -> String {
    if ratio < 0.995 {
        format!("{ratio:.2} times")
    } else {
        format!("{ratio:.1} times")
    }
}

/// ` (between 42 and 44)`, or nothing where rounding leaves one figure.
#[must_use]
pub fn range(low: String, high: String) -> Option<String> {
    (low != high).then(|| format!(" (between {low} and {high})"))
}

/// Milliseconds as `4.2 s`, below a second as `812 ms`.
#[must_use]
pub fn seconds(milliseconds: f64) -> String {
    if milliseconds < 1_000.0 {
        format!("{milliseconds:.0} ms")
    } else {
        format!("{:.1} s", milliseconds / 1_000.0)
    }
}

/// An estimate of money to two digits: `$8,400`; below ten dollars to the cent.
#[must_use]
pub fn about(amount: Usd) -> String {
    if amount.0.abs() < Decimal::TEN {
        return amount.to_string();
    }
    let rounded = Usd(amount.0.round_sf(2).unwrap_or(amount.0));
    let text = rounded.to_string();
    text.strip_suffix(".00").unwrap_or(&text).to_owned()
}

/// A model's name with its date apart: `gpt-4o (2024-08-06)`.
#[must_use]
pub fn model(name: &str) -> String {
    let dated = |at: usize| name.is_char_boundary(at).then(|| name.split_at(at));
    if let Some((start, end)) = name.len().checked_sub(11).and_then(dated)
        && let Some(day) = end.strip_prefix('-')
        && day.parse::<chrono::NaiveDate>().is_ok()
    {
        return format!("{start} ({day})");
    }
    if let Some((start, end)) = name.len().checked_sub(9).and_then(dated)
        && let Some(day) = end.strip_prefix('-')
        && let Ok(day) = chrono::NaiveDate::parse_from_str(day, "%Y%m%d")
    {
        return format!("{start} ({day})");
    }
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_as_people_write_them() {
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(
            [points(-0.0194), points(0.038), points(-0.0001)],
            ["−1.9", "+3.8", "0.0"]
        );
        assert_eq!(
            [at_most(0.009_936), at_most(0.031), at_most(1.0)],
            ["1.00 %", "3.1 %", "100 %"]
        );
        assert_eq!(
            [change(0.43), change(2.1), change(1.0)],
            ["−57 %", "+110 %", "no change"]
        );
        assert_eq!([seconds(812.4), seconds(4_180.0)], ["812 ms", "4.2 s"]);
        assert_eq!(about(Usd("8432.55".parse().unwrap())), "$8,400");
        assert_eq!(about(Usd("3.126".parse().unwrap())), "$3.13");
        assert_eq!(model("gpt-4o-2024-08-06"), "gpt-4o (2024-08-06)");
        assert_eq!(
            model("claude-3-5-sonnet-20240620"),
            "claude-3-5-sonnet (2024-06-20)"
        );
        assert_eq!(model("mistral-large"), "mistral-large");
        assert_eq!(model("名前"), "名前");
    }
}

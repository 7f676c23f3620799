//! Hours in which a vendor charges less.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, NaiveTime, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;
use serde::Serialize;

/// Cheaper hours and the prices that hold in them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OffPeak {
    /// Prices by key; what is not named keeps its usual price.
    pub prices: BTreeMap<String, Decimal>,
    /// When they hold; any window will do.
    pub windows: Vec<Window>,
    /// In whose calendar a weekday is meant; hours are UTC always.
    pub weekday_zone: Tz,
}

/// Hours of a day: the start is inside, the end is not. A window may pass midnight; one that ends where it starts
/// is the whole day.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Window {
    /// First minute, UTC.
    pub start: NaiveTime,
    /// First minute after it, UTC.
    pub end: NaiveTime,
    /// ISO weekdays, Monday = 1; none is every day.
    pub weekdays: Option<Vec<u32>>,
}

impl OffPeak {
    /// Whether the cheaper prices hold at that moment.
    #[must_use]
    pub fn holds(&self, at: DateTime<Utc>) -> bool {
        let weekday = at
            .with_timezone(&self.weekday_zone)
            .weekday()
            .number_from_monday();
        self.windows.iter().any(|window| {
            window
                .weekdays
                .as_ref()
                .is_none_or(|days| days.contains(&weekday))
                && window.covers(at.time())
        })
    }
}

impl Window {
    /// Reads `16:30-00:30`.
    #[must_use]
    pub fn parse(text: &str, weekdays: Option<Vec<u32>>) -> Option<Self> {
        let (start, end) = text.split_once('-')?;
        let clock = |text: &str| NaiveTime::parse_from_str(text.trim(), "%H:%M").ok();
        Some(Self {
            start: clock(start)?,
            end: clock(end)?,
            weekdays,
        })
    }

    fn covers(&self, time: NaiveTime) -> bool {
        if self.start < self.end {
            self.start <= time && time < self.end
        } else {
            time >= self.start || time < self.end
        }
    }
}

/// `1` to `7`, or a weekday's English name.
#[must_use]
pub fn weekday(text: &str) -> Option<u32> {
    let text = text.trim();
    match text.parse::<u32>() {
        Ok(number) => (1..=7).contains(&number).then_some(number),
        Err(_) => Some(text.parse::<chrono::Weekday>().ok()?.number_from_monday()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn the_first_minute_is_cheaper_and_the_last_is_not() {
        let off_peak = OffPeak {
            prices: BTreeMap::new(),
            windows: vec![Window::parse("16:30-00:30", None).unwrap()],
            weekday_zone: Tz::UTC,
        };
        assert!(!off_peak.holds(at("2026-11-18T16:29:59Z")));
        assert!(off_peak.holds(at("2026-11-18T16:30:00Z")));
        assert!(off_peak.holds(at("2026-11-18T00:29:59Z")));
        assert!(!off_peak.holds(at("2026-11-18T00:30:00Z")));
    }

    #[test]
    fn a_weekday_is_read_in_the_vendors_calendar() {
        let off_peak = OffPeak {
            prices: BTreeMap::new(),
            windows: vec![Window::parse("00:00-00:00", Some(vec![6])).unwrap()],
            weekday_zone: Tz::Asia__Shanghai,
        };
        assert!(
            off_peak.holds(at("2026-11-20T17:00:00Z")),
            "Friday 17:00 UTC is Saturday there"
        );
        assert!(
            !off_peak.holds(at("2026-11-21T17:00:00Z")),
            "and Saturday is Sunday"
        );
    }

    #[test]
    fn weekdays_may_be_numbers_or_names() {
        assert_eq!(weekday("7"), Some(7));
        assert_eq!(weekday("tue"), Some(2));
        assert_eq!(weekday("Saturday"), Some(6));
        assert_eq!(weekday("8"), None);
    }
}

//! Days, weeks and months as the company's time zone draws them.

use chrono::{DateTime, Datelike, Days, LocalResult, Months, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// A span of whole days; the last one is inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Period {
    /// First day.
    pub first: NaiveDate,
    /// Last day.
    pub last: NaiveDate,
}

impl Period {
    /// The calendar month that `day` lies in.
    #[must_use]
    pub fn month_of(day: NaiveDate) -> Self {
        let first = day.with_day(1).unwrap_or(day);
        Self {
            first,
            last: first + Months::new(1) - Days::new(1),
        }
    }

    /// The month written `2026-10`.
    #[must_use]
    pub fn month(text: &str) -> Option<Self> {
        let first = NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d").ok()?;
        (text.len() == 7).then(|| Self::month_of(first))
    }

    /// The Monday-to-Sunday week that `day` lies in.
    #[must_use]
    pub fn week_of(day: NaiveDate) -> Self {
        let first = day - Days::new(u64::from(day.weekday().num_days_from_monday()));
        Self {
            first,
            last: first + Days::new(6),
        }
    }

    /// The last week that is over at `now` in that zone.
    #[must_use]
    pub fn last_full_week(now: DateTime<Utc>, zone: Tz) -> Self {
        Self::week_of(day(now, zone) - Days::new(7))
    }

    /// The same number of days just before.
    #[must_use]
    pub fn before(self) -> Self {
        let days = Days::new(self.days());
        Self {
            first: self.first - days,
            last: self.last - days,
        }
    }

    /// How many days it has.
    #[must_use]
    pub fn days(self) -> u64 {
        u64::try_from((self.last - self.first).num_days() + 1).unwrap_or_default()
    }

    /// Whether `day` lies in it.
    #[must_use]
    pub fn contains(self, day: NaiveDate) -> bool {
        self.first <= day && day <= self.last
    }

    /// Its beginning and its end (outside) as moments.
    #[must_use]
    pub fn bounds(self, zone: Tz) -> (DateTime<Utc>, DateTime<Utc>) {
        (
            start_of(self.first, zone),
            start_of(self.last + Days::new(1), zone),
        )
    }

    /// Its name in keys and file names: `2026-11` for a month, `2026-11-16` for what begins then.
    #[must_use]
    pub fn key(self) -> String {
        if self == Self::month_of(self.first) {
            self.first.format("%Y-%m").to_string()
        } else {
            self.first.to_string()
        }
    }
}

/// The day that `at` lies in.
#[must_use]
pub fn day(at: DateTime<Utc>, zone: Tz) -> NaiveDate {
    at.with_timezone(&zone).date_naive()
}

/// The moment a day begins; where clocks skip midnight, the first moment after it.
#[must_use]
pub fn start_of(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let midnight = day.and_time(NaiveTime::MIN);
    let found = (0..=4).find_map(|half_hours| {
        match zone.from_local_datetime(&(midnight + TimeDelta::minutes(30 * half_hours))) {
            LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => Some(at.to_utc()),
            LocalResult::None => None,
        }
    });
    found.unwrap_or_else(|| midnight.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn the_companys_zone_decides_which_day_and_month_it_is() {
        let at = "2026-10-31T23:30:00Z".parse().unwrap();
        assert_eq!(day(at, Tz::UTC), date("2026-10-31"));
        assert_eq!(day(at, Tz::Europe__Berlin), date("2026-11-01"));
        let october = Period::month("2026-10").unwrap();
        let (from, until) = october.bounds(Tz::Europe__Berlin);
        assert_eq!(from.to_string(), "2026-09-30 22:00:00 UTC");
        assert_eq!(
            until.to_string(),
            "2026-10-31 23:00:00 UTC",
            "one hour longer: clocks went back"
        );
    }

    #[test]
    fn a_day_whose_midnight_is_skipped_begins_after_it() {
        let day = date("2026-09-06");
        assert_eq!(
            start_of(day, Tz::America__Santiago).to_string(),
            "2026-09-06 04:00:00 UTC"
        );
    }

    #[test]
    fn the_last_full_week_ends_on_the_sunday_before() {
        let week = |text: &str| Period::last_full_week(text.parse().unwrap(), Tz::Europe__Berlin).key();
        assert_eq!(week("2026-11-23T08:00:00Z"), "2026-11-16");
        assert_eq!(
            week("2026-11-22T22:59:59Z"),
            "2026-11-09",
            "Sunday still, in Berlin"
        );
        assert_eq!(
            week("2026-11-22T23:00:00Z"),
            "2026-11-16",
            "Monday already, in Berlin"
        );
    }

    #[test]
    fn months_are_read_in_one_form_only() {
        assert_eq!(Period::month("2026-02").unwrap().days(), 28);
        for text in ["2026-2", "2026", "2026-13", "october"] {
            assert_eq!(Period::month(text), None, "{text}");
        }
    }
}

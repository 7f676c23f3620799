//! Arguments that several commands take: days, moments, numbers of changes, names.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

/// A day, `2026-11-24`.
pub(super) fn day(text: &str) -> Result<NaiveDate, String> {
    text.parse()
        .map_err(|_| "that is no day; write it as 2026-11-24".to_owned())
}

/// A moment in RFC 3339; a day alone is its first moment in UTC.
pub(super) fn moment(text: &str) -> Result<DateTime<Utc>, String> {
    let day = || text.parse::<NaiveDate>().ok();
    DateTime::parse_from_rfc3339(text)
        .map(|moment| moment.to_utc())
        .ok()
        .or_else(|| Some(day()?.and_time(NaiveTime::MIN).and_utc()))
        .ok_or_else(|| {
            "that is no moment; write it as 2026-11-24T08:00:00Z, or a day as 2026-11-24".to_owned()
        })
}

/// The number of a change, as people write it: `142` or `#142`.
pub(super) fn change(text: &str) -> Result<u64, String> {
    text.strip_prefix('#')
        .unwrap_or(text)
        .parse()
        .map_err(|_| "that is no number of a change; write it as 142".to_owned())
}

/// A name that is not empty.
pub(super) fn name(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("it may not be empty".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_write_days_moments_and_changes_in_more_than_one_way() {
        assert_eq!(moment("2026-11-24"), moment("2026-11-24T00:00:00Z"));
        assert_eq!(moment("2026-11-24T02:00:00+02:00"), moment("2026-11-24"));
        assert_eq!(change("#142"), Ok(142));
        assert_eq!(
            day("2026-11-24"),
            Ok(NaiveDate::from_ymd_opt(2026, 11, 24).unwrap())
        );
        let refused = [
            day("2026-13-01").unwrap_err(),
            moment("yesterday").unwrap_err(),
            change("abc").unwrap_err(),
            name(" ").unwrap_err(),
        ];
        insta::assert_snapshot!(refused.join("\n"), @r"
        that is no day; write it as 2026-11-24
        that is no moment; write it as 2026-11-24T08:00:00Z, or a day as 2026-11-24
        that is no number of a change; write it as 142
        it may not be empty
        ");
    }
}

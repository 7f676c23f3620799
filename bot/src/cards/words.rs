//! Small words that many cards share: times, waits, ledger numbers.

use chrono::{DateTime, Utc};

/// `14:02`, on another day `16 Nov, 14:02`.
pub(crate) fn clock(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let form = if at.date_naive() == now.date_naive() {
        "%H:%M"
    } else {
        "%-d %b, %H:%M"
    };
    at.format(form).to_string()
}

/// `Fri 20 Nov, 17:00 UTC`.
pub(crate) fn deadline(at: DateTime<Utc>) -> String {
    at.format("%a %-d %b, %H:%M UTC").to_string()
}

/// ` · recorded #811`, or that it is recorded while the ledger has not numbered it yet.
pub(crate) fn recorded(place: Option<u64>) -> String {
    match place {
        Some(place) => format!(" · recorded #{place}"),
        None => " · recorded".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_name_the_day_only_when_it_is_another() {
        let at: DateTime<Utc> = "2026-11-20T14:02:00Z".parse().unwrap();
        assert_eq!(clock(at, at), "14:02");
        assert_eq!(clock(at, at + chrono::Duration::days(1)), "20 Nov, 14:02");
        assert_eq!(deadline(at), "Fri 20 Nov, 14:02 UTC");
    }
}

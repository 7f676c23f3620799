//! Where a month is heading: spent so far plus the forecast of the days that are left.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, NaiveDate};
use rust_decimal::{Decimal, prelude::FromPrimitive, prelude::ToPrimitive};

use super::forecast::Series;
use super::period::Period;
use crate::values::Usd;

/// Days of history below which the pace of the month so far is all that can be said.
const ENOUGH: i64 = 21;
/// Longest history that is looked at.
const LONGEST: u64 = 180;

/// Where a month is heading.
#[derive(Clone, Debug, PartialEq)]
pub struct Outlook {
    /// Spent so far.
    pub spent: Usd,
    /// Likely total, if nothing else changes.
    pub total: Usd,
    /// Where the total lies 8 times in 10, with enough history.
    pub band: Option<(Usd, Usd)>,
    /// Whether it is only the pace of the month so far, for want of history.
    pub by_pace: bool,
}

/// A route or price change: from that day on, spend is so many times what it was.
pub type KnownChange = (NaiveDate, f64);

/// Where the month of `today` is heading; `today` is the last day that is complete. `daily` need not name days without
/// spend. None before the month has a complete day, or without any spend.
#[must_use]
pub fn outlook(
    daily: &BTreeMap<NaiveDate, Usd>,
    today: NaiveDate,
    changes: &[KnownChange],
) -> Option<Outlook> {
    let month = Period::month_of(today);
    let spent: Usd = daily.range(month.first..=today).map(|(_, amount)| *amount).sum();
    let first = *daily.range(..=today).next()?.0;
    let first = first.max(today - Days::new(LONGEST));
    let left = u64::try_from((month.last - today).num_days()).unwrap_or_default();
    if left == 0 {
        return Some(Outlook {
            spent,
            total: spent,
            band: None,
            by_pace: false,
        });
    }
    if (today - first).num_days() + 1 < ENOUGH {
        return Some(by_pace(spent, first.max(month.first), today, left));
    }
    let series = series(daily, first, today, changes);
    let days = series.daily.len();
    let horizon = usize::try_from(left).unwrap_or_default();
    let ahead: f64 = series.ahead(&series.fit(days)?, days, horizon).iter().sum();
    let band = series
        .interval80(ahead, horizon)
        .and_then(|(low, high)| Some((spent + dollars(low)?, spent + dollars(high)?)));
    Some(Outlook {
        spent,
        total: spent + dollars(ahead)?,
        band,
        by_pace: false,
    })
}

fn by_pace(spent: Usd, since: NaiveDate, today: NaiveDate, left: u64) -> Outlook {
    let elapsed = Decimal::from((today - since).num_days() + 1);
    let ahead = spent.0 / elapsed * Decimal::from(left);
    Outlook {
        spent,
        total: spent + Usd(ahead.round_dp(2)),
        band: None,
        by_pace: true,
    }
}

fn series(
    daily: &BTreeMap<NaiveDate, Usd>,
    first: NaiveDate,
    today: NaiveDate,
    changes: &[KnownChange],
) -> Series {
    let index = |day: NaiveDate| usize::try_from((day - first).num_days()).ok();
    Series {
        daily: first
            .iter_days()
            .take_while(|day| *day <= today)
            .map(|day| {
                daily
                    .get(&day)
                    .and_then(|amount| amount.0.to_f64())
                    .unwrap_or_default()
            })
            .collect(),
        first_weekday: first.weekday().num_days_from_monday() as usize,
        known_changes: changes
            .iter()
            .filter(|(day, times)| *day <= today && *times > 0.0 && times.is_finite())
            .filter_map(|(day, times)| Some((index(*day)?, *times)))
            .collect(),
    }
}

/// An estimate as money, to the cent.
fn dollars(estimate: f64) -> Option<Usd> {
    Decimal::from_f64(estimate).map(|amount| Usd(amount.round_dp(2)))
}

/// What a workflow's change does to the spend of all: its share of the four weeks before, times its own factor.
#[must_use]
pub fn overall_factor(own: Usd, all: Usd, factor: f64) -> f64 {
    let share = match (own.0.to_f64(), all.0.to_f64()) {
        (Some(own), Some(all)) if all > 0.0 => (own / all).clamp(0.0, 1.0),
        _ => 0.0,
    };
    1.0 - share * (1.0 - factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(from: &str, count: u64, amount: impl Fn(u64) -> i64) -> BTreeMap<NaiveDate, Usd> {
        let first: NaiveDate = from.parse().unwrap();
        (0..count)
            .map(|day| (first + Days::new(day), Usd(Decimal::from(amount(day)))))
            .collect()
    }

    #[test]
    fn with_little_history_the_pace_so_far_is_said_to_be_only_that() {
        let daily = days("2026-11-10", 10, |_| 100);
        let found = outlook(&daily, "2026-11-19".parse().unwrap(), &[]).unwrap();
        assert_eq!(
            (found.spent.plain(), found.total.plain()),
            ("1000".to_owned(), "2100".to_owned())
        );
        assert!(found.by_pace && found.band.is_none());
    }

    #[test]
    fn the_last_day_of_a_month_is_no_forecast() {
        let daily = days("2026-11-01", 30, |_| 100);
        let found = outlook(&daily, "2026-11-30".parse().unwrap(), &[]).unwrap();
        assert_eq!(found.total, found.spent);
    }

    #[test]
    fn a_route_change_that_is_known_is_not_taken_for_a_trend() {
        // A level that halves a week before: the rest of the month costs half, not less and less.
        let daily = days("2026-08-01", 112, |day| if day < 105 { 100 } else { 50 });
        let today = "2026-11-20".parse().unwrap();
        let changed = "2026-11-14".parse().unwrap();
        let knowing = outlook(&daily, today, &[(changed, 0.5)]).unwrap();
        let ahead = (knowing.total - knowing.spent).0.to_f64().unwrap();
        assert!((ahead - 500.0).abs() < 5.0, "{ahead}");
        let (low, high) = knowing.band.unwrap();
        assert!(low < knowing.total && knowing.total < high);
    }

    #[test]
    fn nothing_spent_is_no_outlook() {
        assert_eq!(
            outlook(&BTreeMap::new(), "2026-11-20".parse().unwrap(), &[]),
            None
        );
    }
}

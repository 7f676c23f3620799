//! Kinds of request: which one a call belongs to, and how many of each are replayed.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::analysis::report::{Endpoint, Report};
use crate::values::RunId;

/// The most kinds that are told apart; the smallest beyond that go together as [`OTHER`].
pub const MOST_STRATA: usize = 8;
/// The kind of calls that name none.
pub const UNNAMED: &str = "all";
/// The kind of the smallest kinds, taken together.
pub const OTHER: &str = "other";
/// The fewest calls of a kind that are replayed, if it has as many.
pub const LEAST: u64 = 60;

/// The kinds `named`, in the order given, with the smallest beyond the eighth taken together. A kind is as large as
/// `weights` says, or else as often as it is named.
#[must_use]
pub fn capped(named: &[String], weights: &BTreeMap<String, f64>) -> Vec<String> {
    let mut sizes: BTreeMap<&String, f64> = BTreeMap::new();
    for name in named {
        *sizes.entry(name).or_default() += 1.0;
    }
    for (name, size) in &mut sizes {
        *size = weights.get(*name).copied().unwrap_or(*size);
    }
    let mut ranked: Vec<(&String, f64)> = sizes.into_iter().collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
    let kept = if ranked.len() > MOST_STRATA {
        MOST_STRATA - 1
    } else {
        MOST_STRATA
    };
    let kept: BTreeSet<&String> = ranked.into_iter().take(kept).map(|(name, _)| name).collect();
    named
        .iter()
        .map(|name| {
            if kept.contains(name) {
                name.clone()
            } else {
                OTHER.to_owned()
            }
        })
        .collect()
}

/// How much answers differ in each kind, as an earlier test of the workflow found: where they differ more, more calls tell
/// more (Neyman 1934).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pilot {
    /// That test.
    pub run: RunId,
    /// Standard deviation of candidate minus incumbent in each kind, to four places.
    pub spreads: BTreeMap<String, f64>,
}

impl Pilot {
    /// What a report of `run` tells; none where it has no kinds. A kind without a single difference is not taken for one
    /// that has none: one pair each way is added.
    #[must_use]
    pub fn of(run: &RunId, report: &Report) -> Option<Self> {
        let spread = |endpoint: &Endpoint| {
            let (name, counts) = (endpoint.stratum.clone()?, endpoint.counts?);
            let n = counts.n() as f64 + 2.0;
            let discordant = (counts.b + counts.c) as f64 + 2.0;
            let difference = (counts.c as f64 - counts.b as f64) / n;
            let spread = (discordant / n - difference * difference).max(0.0).sqrt();
            Some((name, (spread * 1e4).round() / 1e4))
        };
        let quality = report.endpoints.iter().filter(|it| it.endpoint == "quality");
        let spreads: BTreeMap<String, f64> = quality.filter_map(spread).collect();
        (!spreads.is_empty()).then(|| Self {
            run: run.clone(),
            spreads,
        })
    }

    /// The spread of a kind; of one that the pilot did not have, the mean.
    fn spread(&self, kind: &str) -> f64 {
        let mean = self.spreads.values().sum::<f64>() / self.spreads.len() as f64;
        self.spreads.get(kind).copied().unwrap_or(mean)
    }
}

/// How many of each kind to replay: in proportion to its size, and to its spread where a pilot tells it; at least
/// [`LEAST`], at most all of it.
///
/// Sums to `total` where the floors allow it; floors go before the total.
#[must_use]
pub fn allocate(sizes: &BTreeMap<String, u64>, pilot: Option<&Pilot>, total: u64) -> BTreeMap<String, u64> {
    let all: u64 = sizes.values().sum();
    if all <= total {
        return sizes.clone();
    }
    let weight = |kind: &str, size: u64| size as f64 * pilot.map_or(1.0, |pilot| pilot.spread(kind));
    let weights: f64 = sizes.iter().map(|(kind, size)| weight(kind, *size)).sum();
    let mut shares: BTreeMap<String, u64> = sizes
        .iter()
        .map(|(kind, size)| {
            let share = (total as f64 * weight(kind, *size) / weights) as u64;
            (kind.clone(), share.max(LEAST).min(*size))
        })
        .collect();
    even_out(sizes, &mut shares, total);
    shares
}

/// Rounding and floors leave a rest: it goes to, or comes from, the kinds with the most room, one call at a time.
fn even_out(sizes: &BTreeMap<String, u64>, shares: &mut BTreeMap<String, u64>, total: u64) {
    loop {
        let sum: u64 = shares.values().sum();
        let picked = if sum < total {
            let room = |name: &String, share: u64| sizes[name] - share;
            shares
                .iter_mut()
                .filter(|(name, share)| room(name, **share) > 0)
                .max_by_key(|(name, share)| room(name, **share))
        } else if sum > total {
            shares
                .iter_mut()
                .filter(|(_, share)| **share > LEAST)
                .max_by_key(|(_, share)| **share)
        } else {
            return;
        };
        match picked {
            Some((_, share)) if sum < total => *share += 1,
            Some((_, share)) => *share -= 1,
            None => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_smallest_kinds_beyond_eight_go_together() {
        let mut named = vec![UNNAMED.to_owned(); 20];
        for (index, kind) in ["a", "b", "c", "d", "e", "f", "g", "h"].into_iter().enumerate() {
            named.extend(vec![kind.to_owned(); 12 - index]);
        }
        let kinds = capped(&named, &BTreeMap::new());
        let count = |name: &str| kinds.iter().filter(|kind| *kind == name).count();
        assert_eq!(
            (count(UNNAMED), count("a"), count("f"), count(OTHER)),
            (20, 12, 7, 6 + 5)
        );
    }

    #[test]
    fn small_kinds_get_their_floor_and_large_ones_share_the_rest() {
        let sizes = BTreeMap::from([
            ("rare".to_owned(), 40),
            ("some".to_owned(), 500),
            ("usual".to_owned(), 9_460),
        ]);
        let shares = allocate(&sizes, None, 600);
        assert_eq!(shares["rare"], 40);
        assert_eq!(shares["some"], 60);
        assert_eq!(shares["usual"], 500);
    }

    #[test]
    fn where_answers_differed_more_in_an_earlier_test_more_are_replayed() {
        let sizes = BTreeMap::from([("calm".to_owned(), 5_000), ("wild".to_owned(), 5_000)]);
        let pilot = Pilot {
            run: RunId::from("pilot"),
            spreads: BTreeMap::from([("calm".to_owned(), 0.1), ("wild".to_owned(), 0.3)]),
        };
        let shares = allocate(&sizes, Some(&pilot), 800);
        assert_eq!((shares["calm"], shares["wild"]), (200, 600));
        // A kind that it did not have lies in between.
        let sizes = BTreeMap::from([("calm".to_owned(), 5_000), ("new".to_owned(), 5_000)]);
        let shares = allocate(&sizes, Some(&pilot), 900);
        assert_eq!((shares["calm"], shares["new"]), (300, 600));
    }

    proptest! {
        #[test]
        fn no_kind_gets_more_than_it_has_or_less_than_its_floor(
            sizes in prop::collection::btree_map("[a-d]", 1u64..5_000, 1..4), total in 1u64..2_000,
        ) {
            let shares = allocate(&sizes, None, total);
            for (name, share) in &shares {
                prop_assert!(*share <= sizes[name]);
                prop_assert!(*share >= LEAST.min(sizes[name]));
            }
            let floors: u64 = sizes.values().map(|size| LEAST.min(*size)).sum();
            let all: u64 = sizes.values().sum();
            prop_assert_eq!(shares.values().sum::<u64>(), total.max(floors).min(all));
        }
    }
}

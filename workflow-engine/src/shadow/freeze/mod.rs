//! From recorded calls to a frozen plan: what is fit, which kinds there are, how many of each, and which.
//!
//! Two steps, so that only what may be drawn is read: a [`Pool`] by what rows tell, then the plan by what contents tell.
//! Both are keyed bottom-k draws: the same seed and calls give the same plan and sample.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    features::Look,
    plan::{Sampled, ShadowPlan, StratumPlan, Terms},
    recorded::{CallHead, Unfit},
    sample::{bottom_k, digest},
    strata::{self, UNNAMED},
};
use crate::catalog::shadow::KindBy;

/// Calls read for each that is replayed, where only contents tell the kind.
const READ_FOR_EACH: u64 = 3;

/// Calls whose content is to be read before the plan is frozen.
#[derive(Clone, Debug)]
pub struct Pool {
    recorded: u64,
    excluded: BTreeMap<String, u64>,
    /// Fit calls of each kind that rows tell.
    sizes: BTreeMap<String, u64>,
    /// Those to be read, with their kind as far as rows tell it.
    drawn: Vec<(CallHead, String)>,
}

impl Pool {
    /// What to read of `calls` for a plan on `terms`.
    #[must_use]
    pub fn draw(terms: &Terms, calls: &[CallHead]) -> Self {
        let mut excluded: BTreeMap<String, u64> = BTreeMap::new();
        for unfit in calls.iter().filter_map(|call| call.unfit) {
            *excluded.entry(unfit.as_str().to_owned()).or_default() += 1;
        }
        let fit: Vec<&CallHead> = calls.iter().filter(|call| call.unfit.is_none()).collect();
        let limits = terciles(&fit);
        let named: Vec<String> = fit
            .iter()
            .map(|call| row_kind(call, &terms.kinds_by, limits))
            .collect();
        let kinds = strata::capped(&named, &BTreeMap::new());
        let mut sizes: BTreeMap<String, u64> = BTreeMap::new();
        for kind in &kinds {
            *sizes.entry(kind.clone()).or_default() += 1;
        }
        let by_content = terms.kinds_by.iter().any(|by| !by.is_told_by_rows());
        let drawn = strata::allocate(&sizes, terms.pilot.as_ref(), terms.limits.traces)
            .into_iter()
            .flat_map(|(kind, share)| {
                let spare = share / 4 + 20;
                let wanted = if by_content {
                    share * READ_FOR_EACH + spare
                } else {
                    share + spare
                };
                let of_kind = fit.iter().zip(&kinds).filter(|(_, own)| **own == kind);
                let by_id: BTreeMap<&str, &CallHead> =
                    of_kind.map(|(call, _)| (call.trace_id.as_str(), *call)).collect();
                bottom_k(&terms.seed, by_id.keys().copied(), size(wanted))
                    .into_iter()
                    .map(|id| (by_id[id].clone(), kind.clone()))
                    .collect::<Vec<_>>()
            })
            .collect();
        Self {
            recorded: calls.len() as u64,
            excluded,
            sizes,
            drawn,
        }
    }

    /// The trace ids to read.
    #[must_use]
    pub fn ids(&self) -> Vec<String> {
        self.drawn.iter().map(|(call, _)| call.trace_id.clone()).collect()
    }
}

impl ShadowPlan {
    /// The plan for `terms`, and the sample that it draws. `looks` are what the contents of the pool's calls told; a call
    /// without one could not be read.
    #[must_use]
    pub fn freeze(terms: Terms, pool: Pool, looks: &BTreeMap<String, Look>) -> (Self, Vec<Sampled>) {
        let mut unreadable: BTreeMap<String, u64> = BTreeMap::new();
        let mut read: BTreeMap<&str, u64> = BTreeMap::new();
        let mut fit: Vec<(&CallHead, &str, String)> = Vec::new();
        for (call, row_kind) in &pool.drawn {
            *read.entry(row_kind).or_default() += 1;
            let look = looks.get(&call.trace_id);
            match look.map_or(Some(Unfit::Masked), |look| look.unfit) {
                Some(unfit) => *unreadable.entry(unfit.as_str().to_owned()).or_default() += 1,
                None => fit.push((call, row_kind, full_kind(row_kind, look, &terms.kinds_by))),
            }
        }
        // Each call that was read stands for as many as its kind has in the window.
        let stands_for = |row_kind: &str| pool.sizes[row_kind] as f64 / read[row_kind].max(1) as f64;
        let named: Vec<String> = fit.iter().map(|(_, _, kind)| kind.clone()).collect();
        let mut weights: BTreeMap<String, f64> = BTreeMap::new();
        for (_, row_kind, kind) in &fit {
            *weights.entry(kind.clone()).or_default() += stands_for(row_kind);
        }
        let kinds = strata::capped(&named, &weights);
        let mut sizes: BTreeMap<String, f64> = BTreeMap::new();
        let mut members: BTreeMap<String, Vec<&CallHead>> = BTreeMap::new();
        for ((call, row_kind, _), kind) in fit.iter().zip(&kinds) {
            *sizes.entry(kind.clone()).or_default() += stands_for(row_kind);
            members.entry(kind.clone()).or_default().push(call);
        }
        let populations: BTreeMap<String, u64> = sizes
            .into_iter()
            .map(|(kind, size)| (kind, size.round() as u64))
            .collect();
        let mut shares = strata::allocate(&populations, terms.pilot.as_ref(), terms.limits.traces);
        for (kind, share) in &mut shares {
            *share = (*share).min(members[kind].len() as u64);
        }
        let sample = draw(&terms.seed, &members, &shares);
        let strata = populations
            .into_iter()
            .map(|(name, population)| {
                let stratum = StratumPlan {
                    population,
                    n: shares[&name],
                    material: !terms.immaterial.contains(&name),
                };
                (name, stratum)
            })
            .collect();
        let read = pool.drawn.len() as u64;
        let (recorded, excluded) = (pool.recorded, pool.excluded);
        (
            Self::of(terms, (recorded, excluded), (read, unreadable), strata),
            sample,
        )
    }
}

/// Bottom-k of each kind, then all of them in the order of their digests: the order of replay tells nothing about the kind.
fn draw(
    seed: &[u8],
    members: &BTreeMap<String, Vec<&CallHead>>,
    shares: &BTreeMap<String, u64>,
) -> Vec<Sampled> {
    let mut drawn = Vec::new();
    for (kind, share) in shares {
        let by_id: BTreeMap<&str, &CallHead> = members[kind]
            .iter()
            .map(|call| (call.trace_id.as_str(), *call))
            .collect();
        drawn.extend(
            bottom_k(seed, by_id.keys().copied(), size(*share))
                .into_iter()
                .map(|id| Sampled {
                    trace_id: id.to_owned(),
                    stratum: kind.clone(),
                    cluster: by_id[id].cluster.clone(),
                    mirror: by_id[id].mirror.as_ref().map(|partner| partner.id.clone()),
                }),
        );
    }
    drawn.sort_by_cached_key(|sampled| (digest(seed, &sampled.trace_id), sampled.trace_id.clone()));
    drawn
}

fn size(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// The parts of a kind that a row tells, in the plan's order.
fn row_kind(call: &CallHead, by: &[KindBy], limits: Option<(u64, u64)>) -> String {
    let parts: Vec<&str> = by
        .iter()
        .filter_map(|by| match by {
            KindBy::Tag => Some(call.kind.as_deref().unwrap_or(UNNAMED)),
            KindBy::Length => Some(length(call, limits)),
            KindBy::DataClass => Some(call.data_class.as_deref().unwrap_or("class_unknown")),
            KindBy::Tools | KindBy::Language => None,
        })
        .collect();
    parts.join("/")
}

fn full_kind(row_kind: &str, look: Option<&Look>, by: &[KindBy]) -> String {
    let content = look.into_iter().flat_map(|look| {
        by.iter().filter_map(|by| match by {
            KindBy::Tools => Some(look.tools),
            KindBy::Language => Some(look.language),
            KindBy::Tag | KindBy::Length | KindBy::DataClass => None,
        })
    });
    let parts: Vec<&str> = std::iter::once(row_kind)
        .filter(|part| !part.is_empty())
        .chain(content)
        .collect();
    if parts.is_empty() {
        return UNNAMED.to_owned();
    }
    parts.join("/")
}

/// The prompt lengths, in tokens, that part the calls in three; none where too few lengths are known.
fn terciles(calls: &[&CallHead]) -> Option<(u64, u64)> {
    let lengths: Vec<u64> = calls.iter().filter_map(|call| call.input_tokens).collect();
    let different: BTreeSet<u64> = lengths.iter().copied().collect();
    if different.len() < 3 {
        return None;
    }
    let mut lengths = lengths;
    lengths.sort_unstable();
    let third = |k: usize| lengths[lengths.len() * k / 3];
    Some((third(1), third(2)))
}

fn length(call: &CallHead, limits: Option<(u64, u64)>) -> &'static str {
    match (call.input_tokens, limits) {
        (Some(tokens), Some((low, _))) if tokens < low => "short",
        (Some(tokens), Some((_, high))) if tokens < high => "medium",
        (Some(_), Some(_)) => "long",
        _ => "any_length",
    }
}

#[cfg(test)]
mod tests;

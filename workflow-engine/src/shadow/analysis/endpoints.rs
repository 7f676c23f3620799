//! Quality, checks and scores: the difference between the arms, its limits, and what they show.

use std::collections::{BTreeMap, BTreeSet};

use super::DRAWS;
use super::clusters;
use super::pairs::Pair;
use super::plan::Plan;
use super::report::{Endpoint, Method, Outcome};
use crate::shadow::statistics::cluster::clustered_t;
use crate::shadow::statistics::distributions::normal_sf;
use crate::shadow::statistics::paired_binary::{
    Counts, mcnemar_exact, newcombe_interval, tango_interval, tango_non_inferior,
};
use crate::shadow::statistics::paired_continuous::{MeanEstimate, paired_t};
use crate::shadow::statistics::sample_size::{Power, paired_non_inferiority};
use crate::shadow::statistics::stratified::stratified_mean;
use crate::shadow::statistics::{Interval, bootstrap, mean};

/// One trace of a right-or-wrong endpoint.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) incumbent: bool,
    pub(super) candidate: bool,
    pub(super) cluster: Option<&'a str>,
}

impl<'a> Row<'a> {
    fn quality(pair: &'a Pair) -> Self {
        Self {
            incumbent: pair.arms.incumbent.ok,
            candidate: pair.arms.candidate.ok,
            cluster: pair.cluster.as_deref(),
        }
    }

    fn check(pair: &'a Pair, name: &str) -> Option<Self> {
        Some(Self {
            incumbent: *pair.arms.incumbent.checks.get(name)?,
            candidate: *pair.arms.candidate.checks.get(name)?,
            cluster: pair.cluster.as_deref(),
        })
    }

    pub(super) fn difference(self) -> f64 {
        f64::from(i8::from(self.candidate) - i8::from(self.incumbent))
    }
}

/// Every endpoint that the pairs hold: overall quality first (if there is any pair), the weighted one, strata,
/// checks, score.
pub(super) fn all(plan: &Plan, pairs: &[Pair]) -> Vec<Endpoint> {
    let rows: Vec<Row<'_>> = pairs.iter().map(Row::quality).collect();
    let mut strata: BTreeMap<&str, Vec<Row<'_>>> = BTreeMap::new();
    for (pair, row) in pairs.iter().zip(&rows) {
        if let Some(stratum) = pair.stratum.as_deref() {
            strata.entry(stratum).or_default().push(*row);
        }
    }
    let mut endpoints = Vec::new();
    endpoints.extend(binary("quality", &rows, Some(plan.margins.quality), plan));
    if pairs.iter().all(|pair| pair.stratum.is_some()) {
        endpoints.extend(weighted(plan, &strata));
    }
    for (name, rows) in &strata {
        let endpoint = binary("quality", rows, Some(plan.margins.stratum_quality), plan);
        endpoints.extend(endpoint.map(|e| Endpoint {
            stratum: Some((*name).to_owned()),
            ..e
        }));
    }
    let checks: BTreeSet<&str> = pairs
        .iter()
        .flat_map(|p| p.arms.incumbent.checks.keys())
        .map(String::as_str)
        .collect();
    for name in checks {
        let rows: Vec<Row<'_>> = pairs.iter().filter_map(|pair| Row::check(pair, name)).collect();
        endpoints.extend(binary(name, &rows, plan.margins.checks.get(name).copied(), plan));
    }
    endpoints.extend(score(plan, pairs));
    endpoints
}

/// A right-or-wrong endpoint; `None` without traces. Where clusters repeat it is judged on the wider limit, on
/// each side, of Tango's interval and the one over clusters; a single cluster bounds nothing.
pub(super) fn binary(name: &str, rows: &[Row<'_>], margin: Option<f64>, plan: &Plan) -> Option<Endpoint> {
    if rows.is_empty() {
        return None;
    }
    let alpha = plan.two_sided();
    let counts = Counts::of(rows.iter().map(|row| (row.incumbent, row.candidate)));
    let interval = tango_interval(&counts, alpha);
    let (mut judged, mut over_clusters) = (Some(interval), None);
    if let Some(numbers) = clusters::numbered(rows.iter().map(|row| row.cluster)) {
        let d: Vec<f64> = rows.iter().map(|row| row.difference()).collect();
        over_clusters = clustered_t(&d, &numbers, alpha).map(|estimate| estimate.interval);
        judged = over_clusters.map(|other| interval.hull(other));
    }
    let estimate = counts.difference();
    let outcome = margin.map(|margin| outcome(judged, margin));
    let mut endpoint = Endpoint {
        counts: Some(counts),
        estimate,
        interval: Some(interval),
        p_non_inferior: margin.map(|margin| tango_non_inferior(&counts, margin).p),
        mcnemar_exact: Some(mcnemar_exact(&counts)),
        newcombe: Some(newcombe_interval(&counts, alpha)),
        cluster_interval: over_clusters,
        outcome,
        measurably_worse: judged.is_some_and(|limits| limits.upper < 0.0),
        ..blank(name, rows.len(), Method::Tango, margin, plan)
    };
    endpoint.n_needed = traces_needed(&endpoint, plan);
    Some(endpoint)
}

/// non_inferior: lower limit above −margin; inferior: upper limit below it; else it cannot be told.
pub(super) fn outcome(limits: Option<Interval>, margin: f64) -> Outcome {
    match limits {
        Some(limits) if limits.lower > -margin => Outcome::NonInferior,
        Some(limits) if limits.upper < -margin => Outcome::Inferior,
        _ => Outcome::Inconclusive,
    }
}

/// Traces that would show non-inferiority with power 0.9, were the discordant shares those seen; only where it
/// cannot be told yet and the estimate itself is within the margin.
pub(super) fn traces_needed(endpoint: &Endpoint, plan: &Plan) -> Option<u64> {
    let (counts, margin) = endpoint.counts.zip(endpoint.margin)?;
    if endpoint.outcome != Some(Outcome::Inconclusive) || endpoint.estimate <= -margin {
        return None;
    }
    let share = |count: u64| count as f64 / counts.n() as f64;
    paired_non_inferiority(
        share(counts.b),
        share(counts.c),
        margin,
        Power {
            alpha: plan.alpha,
            power: 0.9,
        },
    )
}

/// Quality on the plan's mix of strata; only where the plan weighs every stratum there is.
fn weighted(plan: &Plan, strata: &BTreeMap<&str, Vec<Row<'_>>>) -> Option<Endpoint> {
    let values: Vec<(f64, Vec<f64>)> = strata
        .iter()
        .map(|(name, rows)| {
            Some((
                plan.strata.get(*name)?.weight?,
                rows.iter().map(|r| r.difference()).collect(),
            ))
        })
        .collect::<Option<_>>()?;
    let total: f64 = values.iter().map(|(weight, _)| weight).sum();
    if total <= 0.0 {
        return None;
    }
    let borrowed: Vec<(f64, &[f64])> = values.iter().map(|(weight, d)| (*weight, d.as_slice())).collect();
    let centre = borrowed.iter().map(|(weight, d)| weight / total * mean(d)).sum();
    let found = stratified_mean(&borrowed, plan.two_sided());
    let n = values.iter().map(|(_, d)| d.len()).sum();
    let blank = blank(
        "quality_weighted",
        n,
        Method::StratifiedT,
        Some(plan.margins.quality),
        plan,
    );
    Some(with_mean(blank, centre, found))
}

/// Judged scores, over the traces where both arms have one.
fn score(plan: &Plan, pairs: &[Pair]) -> Option<Endpoint> {
    let scored: Vec<(f64, Option<&str>)> = pairs
        .iter()
        .filter_map(|pair| {
            let d = pair.arms.candidate.score? - pair.arms.incumbent.score?;
            Some((d, pair.cluster.as_deref()))
        })
        .collect();
    if scored.is_empty() {
        return None;
    }
    let d: Vec<f64> = scored.iter().map(|(d, _)| *d).collect();
    let numbers = clusters::numbered(scored.iter().map(|(_, cluster)| *cluster));
    let (method, found) = match numbers {
        Some(numbers) => (Method::ClusterT, clustered_t(&d, &numbers, plan.two_sided())),
        None => (Method::PairedT, paired_t(&d, plan.two_sided())),
    };
    let blank = blank(
        "score",
        d.len(),
        method,
        plan.margins.checks.get("score").copied(),
        plan,
    );
    let bca = bootstrap::bca(&d, DRAWS, plan.draw_seed(), plan.two_sided());
    Some(Endpoint {
        bca: bca.map(|bca| bca.interval),
        ..with_mean(blank, mean(&d), found)
    })
}

/// A judge's mean as people would see it, with its standard error and limits. Its margin is its own or that of quality.
pub(super) fn judged(plan: &Plan, n: u64, (centre, se, limits): (f64, f64, Interval)) -> Endpoint {
    let own = plan.margins.checks.get("judge").copied();
    let margin = own.unwrap_or(plan.margins.quality);
    let n = usize::try_from(n).unwrap_or(usize::MAX);
    Endpoint {
        estimate: centre,
        interval: Some(limits),
        se: Some(se),
        p_non_inferior: (se > 0.0).then(|| normal_sf((centre + margin) / se)),
        outcome: Some(outcome(Some(limits), margin)),
        measurably_worse: limits.upper < 0.0,
        ..blank("judge", n, Method::PredictionPowered, Some(margin), plan)
    }
}

/// Judges an endpoint by a mean; without an estimate of its spread nothing can be told.
fn with_mean(blank: Endpoint, centre: f64, found: Option<MeanEstimate>) -> Endpoint {
    let interval = found.map(|estimate| estimate.interval);
    Endpoint {
        estimate: centre,
        interval,
        se: found.map(|estimate| estimate.se),
        df: found.map(|estimate| estimate.df),
        p_non_inferior: found
            .zip(blank.margin)
            .map(|(estimate, margin)| estimate.greater_than(-margin).p),
        outcome: blank.margin.map(|margin| outcome(interval, margin)),
        measurably_worse: interval.is_some_and(|limits| limits.upper < 0.0),
        ..blank
    }
}

fn blank(name: &str, n: usize, method: Method, margin: Option<f64>, plan: &Plan) -> Endpoint {
    Endpoint {
        endpoint: name.to_owned(),
        stratum: None,
        n: n as u64,
        counts: None,
        estimate: 0.0,
        interval: None,
        method,
        level: 1.0 - plan.two_sided(),
        margin,
        p_non_inferior: None,
        mcnemar_exact: None,
        mcnemar_holm: None,
        newcombe: None,
        cluster_interval: None,
        se: None,
        df: None,
        bca: None,
        outcome: None,
        measurably_worse: false,
        n_needed: None,
    }
}

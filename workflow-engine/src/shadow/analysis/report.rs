//! The report of a shadow test: what the packet holds, the cards show and an auditor computes again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::shadow::ending::Counter;
use crate::shadow::judging::correction::JudgeReport;
use crate::shadow::looks::Early;
use crate::shadow::statistics::Interval;
use crate::shadow::statistics::paired_binary::Counts;
use crate::shadow::statistics::quantile_ci::Estimate;
use crate::values::{Digest, Usd};

/// Everything that was found. JSON shape: surfaces.md §3.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// SHA-256 of the plan as canonical JSON (RFC 8785).
    pub plan_sha256: Digest,
    /// Number of pairs.
    pub n: u64,
    /// Pairs that an endpoint could not use because an arm lacks the figure, by endpoint.
    pub excluded: BTreeMap<String, u64>,
    /// `quality` over all traces comes first, then the rest.
    pub endpoints: Vec<Endpoint>,
    /// The incumbent against itself.
    pub aa: SameModel,
    /// Cost; `None` where no trace has a cost on both arms.
    pub cost: Option<Cost>,
    /// Latency; `None` where no trace has one on both arms.
    pub latency: Option<Latency>,
    /// The looks of sequential mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequential: Option<Sequential>,
    /// Findings of which one is one too many; a run counts them, `governor analyze` has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub zero_tolerance: Vec<Counter>,
    /// Who judged free text, how far it is to be believed, and what it said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judge: Option<JudgeReport>,
    /// Whether the pairs are calls that a gateway had mirrored, and nothing was asked again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mirrored: bool,
    /// Why a run ended before its last trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_early: Option<Early>,
    /// May the change go on.
    pub verdict: Verdict,
    /// One sentence for each gate that is not passed, as `WHAT: why`.
    pub reasons: Vec<String>,
    /// What else people should see, in the same form; decides nothing.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// May the change go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every gate is passed.
    Eligible,
    /// A gate is failed, or the candidate is clearly worse where it was not shown to be good enough.
    NotEligible,
    /// It cannot be told yet.
    Inconclusive,
}

/// What an endpoint shows about its margin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Worse by less than the margin, surely enough.
    NonInferior,
    /// Worse by more than the margin, surely enough.
    Inferior,
    /// Neither can be told.
    Inconclusive,
}

/// How an interval was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Tango's score interval of a paired difference.
    Tango,
    /// Empirical-Bernstein confidence sequence beside a betting e-process.
    Betting,
    /// Post-stratified mean with Satterthwaite's degrees of freedom.
    StratifiedT,
    /// Paired t.
    PairedT,
    /// t over clusters with CR1 standard errors.
    ClusterT,
    /// A judge's verdicts corrected by labels of people (prediction-powered inference).
    PredictionPowered,
}

/// One thing measured on both arms. Differences are candidate minus incumbent, as proportions or scores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Endpoint {
    /// `quality`, `quality_weighted`, `score`, `judge` (a score corrected by people), or the name of a check.
    pub endpoint: String,
    /// The stratum, or `None` for all traces.
    pub stratum: Option<String>,
    /// Traces it is measured on.
    pub n: u64,
    /// The paired table, for right-or-wrong endpoints.
    #[serde(flatten)]
    pub counts: Option<Counts>,
    /// The difference.
    pub estimate: f64,
    /// Its limits; `None` where too few traces (or clusters) bound it.
    pub interval: Option<Interval>,
    /// How the interval was made.
    pub method: Method,
    /// Level of every interval here.
    pub level: f64,
    /// How much worse it may be; `None` where the plan sets none.
    pub margin: Option<f64>,
    /// One-sided p of "worse by the margin or more".
    pub p_non_inferior: Option<f64>,
    /// Exact McNemar p of "no difference".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mcnemar_exact: Option<f64>,
    /// The same, Holm-adjusted over the quality gates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mcnemar_holm: Option<f64>,
    /// Newcombe's interval, a cross-check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newcombe: Option<Interval>,
    /// Interval over clusters, where cluster keys repeat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_interval: Option<Interval>,
    /// Standard error, for means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub se: Option<f64>,
    /// Degrees of freedom, for means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub df: Option<f64>,
    /// BCa bootstrap interval, for scores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bca: Option<Interval>,
    /// What it shows about the margin; `None` without one.
    pub outcome: Option<Outcome>,
    /// The upper limit is below 0.
    pub measurably_worse: bool,
    /// Traces that would settle it with power 0.9, where it cannot be told yet.
    pub n_needed: Option<u64>,
}

/// The incumbent against itself: differences here are noise or drift.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SameModel {
    /// As recorded in production, against replayed now.
    pub recorded: Option<Endpoint>,
    /// Replayed twice.
    pub incumbent_repeat: Option<Endpoint>,
}

/// What the candidate costs, over the traces where both costs are known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Traces with both costs.
    pub n: u64,
    /// Exact sum of the incumbent.
    pub incumbent_usd: Usd,
    /// Exact sum of the candidate.
    pub candidate_usd: Usd,
    /// Candidate ÷ incumbent; `None` where the incumbent cost nothing.
    pub ratio: Option<f64>,
    /// Limits of the ratio.
    pub interval: Option<Interval>,
    /// Ratio of all tokens on the same traces; `None` where a trace lacks them.
    pub token_effect: Option<f64>,
    /// What is left of the ratio without the token effect.
    pub price_effect: Option<f64>,
    /// Ratio of input tokens.
    pub input_token_ratio: Option<f64>,
    /// Ratio of output tokens.
    pub output_token_ratio: Option<f64>,
    /// Ratio that the candidate must stay below.
    pub margin: f64,
    /// What it shows.
    pub outcome: Outcome,
    /// The same sums by stratum.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub strata: BTreeMap<String, StratumCost>,
    /// The ratio on the real mix of strata, where the plan weighs each of them: what a month's bill is multiplied by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_real_mix: Option<MixRatio>,
}

/// Candidate ÷ incumbent as if each stratum were sampled as often as it occurs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MixRatio {
    /// The ratio.
    pub ratio: f64,
    /// Its limits.
    pub interval: Interval,
}

impl Cost {
    /// What a month's bill is multiplied by, and its limits: on the real mix where that is known.
    #[must_use]
    pub fn of_a_month(&self) -> Option<(f64, Option<Interval>)> {
        match self.on_real_mix {
            Some(mix) => Some((mix.ratio, Some(mix.interval))),
            None => Some((self.ratio?, self.interval)),
        }
    }
}

/// Costs of one stratum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StratumCost {
    /// Traces with both costs.
    pub n: u64,
    /// Exact sum of the incumbent.
    pub incumbent_usd: Usd,
    /// Exact sum of the candidate.
    pub candidate_usd: Usd,
}

/// How long answers take, over the traces where both latencies are known. Milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Traces with both latencies.
    pub n: u64,
    /// Medians.
    pub p50: BothArms,
    /// 95th percentiles.
    pub p95: BothArms,
    /// Candidate ÷ incumbent at the 95th percentile; `None` where the incumbent's is 0.
    pub p95_ratio: Option<LatencyRatio>,
    /// Both arms' times at 1 %, 2 %, … 99 % (type 7, to 0.1 ms), incumbent first: the distributions, for drawing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub curve: Vec<[f64; 2]>,
}

/// A quantile of both arms, each `[point, lower, upper]`; a limit that cannot be bounded is null.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BothArms {
    /// The incumbent.
    pub incumbent: Estimate,
    /// The candidate.
    pub candidate: Estimate,
}

/// The ratio that latency is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LatencyRatio {
    /// Candidate ÷ incumbent.
    pub ratio: f64,
    /// Percentile bootstrap limits; `None` where n is too small to bound a 95th percentile.
    pub interval: Option<Interval>,
    /// Ratio that the candidate must stay below.
    pub margin: f64,
    /// What it shows.
    pub outcome: Outcome,
}

/// The looks of sequential mode.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sequential {
    /// Wealth of the bet on "good enough" after the last trace.
    pub wealth_non_inferior: f64,
    /// Wealth of the bet on "worse than allowed".
    pub wealth_inferior: f64,
    /// Trace (from 1) at which the first bet was won.
    pub first_non_inferior: Option<u64>,
    /// Trace at which the second bet was won.
    pub first_inferior: Option<u64>,
    /// Limits of the difference that hold at every look.
    pub confidence_sequence: Interval,
}

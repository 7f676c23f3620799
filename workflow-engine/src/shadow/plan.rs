//! The plan of a shadow test, frozen and hashed before anything is sampled or sent.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    analysis::{self, plan::Mode},
    recorded::CallHead,
    sample::{bottom_k, digest},
    strata,
};
use crate::{
    catalog::{Margins, RiskTier, Workflow},
    values::{ChangeNumber, Digest, Revision, Route, Usd, WorkflowId},
};

/// Everything that decides a test's outcome, fixed beforehand. Any edit makes another plan with another digest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShadowPlan {
    /// The change it tests.
    pub change: ChangeNumber,
    /// Its edition.
    pub revision: Revision,
    /// The workflow.
    pub workflow: WorkflowId,
    /// The incumbent, pinned.
    pub baseline: Route,
    /// The candidate, pinned.
    pub candidate: Route,
    /// Recorded calls from here …
    pub from: DateTime<Utc>,
    /// … to here, exclusive.
    pub until: DateTime<Utc>,
    /// Kinds of request with how many are replayed.
    pub strata: BTreeMap<String, StratumPlan>,
    /// Recorded calls in the window.
    pub recorded: u64,
    /// Calls that cannot be replayed, by reason.
    pub excluded: BTreeMap<String, u64>,
    /// Key of the sample and seed of the draws, hexadecimal.
    pub seed_hex: String,
    /// Level of each one-sided test.
    pub alpha: f64,
    /// How much worse the candidate may be.
    pub margins: Margins,
    /// Whether the look at the result is once or at each pair.
    pub mode: Mode,
    /// Whether cost is a gate.
    pub claims_savings: bool,
    /// The checks that are run, by name; the first decides `ok`.
    pub checks: Vec<String>,
    /// How latency is taken.
    pub latency: Latency,
    /// Replays of the incumbent that are made twice, to show its noise against itself.
    pub repeats: u64,
    /// The run stops before a call when this much is spent; only calls already in flight can pass it.
    pub spend_cap_usd: Usd,
    /// Most calls in flight.
    pub concurrency: u32,
}

/// One kind of request in a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StratumPlan {
    /// Replayable calls of this kind in the window.
    pub population: u64,
    /// How many are replayed.
    pub n: u64,
    /// Whether it decides on its own.
    pub material: bool,
}

/// How latency is taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "from")]
pub enum Latency {
    /// Wall time of the replay, divided by `scale`; 1 but for vendors that run on a slower or faster clock.
    Wall {
        /// Seconds of wall time for each second of the vendor.
        scale: f64,
    },
    /// The vendor's own processing time (`openai-processing-ms`): leaves out the network between us and it.
    Vendor,
}

/// What a plan is made from, besides the recorded calls.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    /// The change it tests.
    pub change: ChangeNumber,
    /// Its edition.
    pub revision: Revision,
    /// The workflow.
    pub workflow: WorkflowId,
    /// The incumbent.
    pub baseline: Route,
    /// The candidate.
    pub candidate: Route,
    /// First moment of the window.
    pub from: DateTime<Utc>,
    /// End of the window, exclusive.
    pub until: DateTime<Utc>,
    /// Kinds that are shown but do not decide.
    pub immaterial: Vec<String>,
    /// How much worse the candidate may be.
    pub margins: Margins,
    /// Whether cost is a gate.
    pub claims_savings: bool,
    /// 16 random bytes.
    pub seed: [u8; 16],
    /// The limits of the run.
    pub limits: Limits,
}

/// Limits of a run; from the configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Traces in all.
    pub traces: u64,
    /// As in the plan.
    pub spend_cap_usd: Usd,
    /// As in the plan.
    pub concurrency: u32,
    /// As in the plan.
    pub repeats: u64,
    /// As in the plan.
    pub mode: Mode,
    /// As in the plan.
    pub latency: Latency,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            traces: 1_500,
            spend_cap_usd: Usd(rust_decimal::Decimal::from(50)),
            concurrency: 8,
            repeats: 0,
            mode: Mode::Fixed,
            latency: Latency::Wall { scale: 1.0 },
        }
    }
}

/// The margins of a workflow: its own, else those of its risk tier; a stratum may be off by twice as much as the whole.
#[must_use]
pub fn margins(workflow: &Workflow) -> Margins {
    let quality = match workflow.risk {
        RiskTier::Critical => 0.03,
        RiskTier::Standard => 0.05,
        RiskTier::Low => 0.08,
    };
    workflow.margins.clone().unwrap_or_else(|| Margins {
        quality,
        stratum_quality: 2.0 * quality,
        ..Margins::default()
    })
}

/// One sampled trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sampled {
    /// The recorded call.
    pub trace_id: String,
    /// Its kind.
    pub stratum: String,
    /// Session or user.
    pub cluster: Option<String>,
}

impl ShadowPlan {
    /// The plan for `terms` over the recorded calls of their window, and the sample that it draws.
    ///
    /// The same terms and calls give the same plan and sample, in whatever order the calls come.
    #[must_use]
    pub fn freeze(terms: Terms, calls: &[CallHead]) -> (Self, Vec<Sampled>) {
        let mut excluded: BTreeMap<String, u64> = BTreeMap::new();
        for unfit in calls.iter().filter_map(|call| call.unfit) {
            *excluded.entry(unfit.as_str().to_owned()).or_default() += 1;
        }
        let fit: Vec<&CallHead> = calls.iter().filter(|call| call.unfit.is_none()).collect();
        let kinds = strata::assign(&fit);
        let mut sizes: BTreeMap<String, u64> = BTreeMap::new();
        for kind in &kinds {
            *sizes.entry(kind.clone()).or_default() += 1;
        }
        let shares = strata::allocate(&sizes, terms.limits.traces);
        let sample = draw(&terms.seed, &fit, &kinds, &shares);
        let strata = sizes
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
        (Self::of(terms, calls.len(), strata, excluded), sample)
    }

    fn of(
        terms: Terms,
        recorded: usize,
        strata: BTreeMap<String, StratumPlan>,
        excluded: BTreeMap<String, u64>,
    ) -> Self {
        let limits = terms.limits;
        Self {
            change: terms.change,
            revision: terms.revision,
            workflow: terms.workflow,
            baseline: terms.baseline,
            candidate: terms.candidate,
            from: terms.from,
            until: terms.until,
            strata,
            recorded: recorded as u64,
            excluded,
            seed_hex: hex::encode(terms.seed),
            alpha: 0.025,
            margins: terms.margins,
            mode: limits.mode,
            claims_savings: terms.claims_savings,
            checks: super::checks::names(),
            latency: limits.latency,
            repeats: limits.repeats,
            spend_cap_usd: limits.spend_cap_usd,
            concurrency: limits.concurrency.max(1),
        }
    }

    /// SHA-256 of the plan as canonical JSON: what the ledger holds before the first replay.
    ///
    /// # Errors
    /// When a number in it is not finite, which no plan from [`ShadowPlan::freeze`] of a checked catalog has.
    pub fn digest(&self) -> Result<Digest, serde_json::Error> {
        Digest::of_json(self)
    }

    /// The plan as `governor analyze` takes it: strata weigh as they occur in production.
    #[must_use]
    pub fn analysis(&self) -> analysis::plan::Plan {
        let replayable: u64 = self.strata.values().map(|stratum| stratum.population).sum();
        let stratum = |own: &StratumPlan| analysis::plan::Stratum {
            weight: Some(own.population as f64 / replayable.max(1) as f64),
            material: own.material,
        };
        analysis::plan::Plan {
            alpha: self.alpha,
            margins: self.margins.clone(),
            strata: self
                .strata
                .iter()
                .map(|(name, own)| (name.clone(), stratum(own)))
                .collect(),
            mode: self.mode,
            seed_hex: self.seed_hex.clone(),
            claims_savings: self.claims_savings,
        }
    }

    /// Traces that are replayed.
    #[must_use]
    pub fn traces(&self) -> u64 {
        self.strata.values().map(|stratum| stratum.n).sum()
    }

    /// The share of the recorded calls that could be replayed, 0 to 1.
    #[must_use]
    pub fn replayable_share(&self) -> f64 {
        let replayable: u64 = self.strata.values().map(|stratum| stratum.population).sum();
        if self.recorded == 0 {
            return 0.0;
        }
        replayable as f64 / self.recorded as f64
    }

    /// What an approver should know before trusting the result; plain sentences.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let share = self.replayable_share();
        if self.recorded > 0 && share < 0.8 {
            warnings.push(format!(
                "Only {:.0} % of the recorded calls could be replayed; the calls left out may differ from the rest.",
                share * 100.0
            ));
        }
        for (name, stratum) in &self.strata {
            if stratum.material && stratum.n < strata::LEAST {
                warnings.push(format!(
                    "Only {} calls of kind {name} were recorded: too few to say much about it.",
                    stratum.n
                ));
            }
        }
        warnings
    }
}

/// Bottom-k of each kind, then all of them in the order of their digests: the order of replay tells nothing about the kind.
fn draw(seed: &[u8], calls: &[&CallHead], kinds: &[String], shares: &BTreeMap<String, u64>) -> Vec<Sampled> {
    let mut drawn = Vec::new();
    for (kind, share) in shares {
        let of_kind = calls.iter().zip(kinds).filter(|(_, own)| *own == kind);
        let by_id: BTreeMap<&str, &CallHead> =
            of_kind.map(|(call, _)| (call.trace_id.as_str(), *call)).collect();
        let k = usize::try_from(*share).unwrap_or(usize::MAX);
        drawn.extend(
            bottom_k(seed, by_id.keys().copied(), k)
                .into_iter()
                .map(|id| Sampled {
                    trace_id: id.to_owned(),
                    stratum: kind.clone(),
                    cluster: by_id[id].cluster.clone(),
                }),
        );
    }
    drawn.sort_by_cached_key(|sampled| (digest(seed, &sampled.trace_id), sampled.trace_id.clone()));
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shadow::recorded::Unfit;

    fn calls() -> Vec<CallHead> {
        (0..300)
            .map(|index| CallHead {
                trace_id: format!("t{index:03}"),
                at: DateTime::UNIX_EPOCH,
                kind: Some(if index % 10 == 0 { "rare" } else { "usual" }.to_owned()),
                cluster: None,
                unfit: (index % 3 == 1).then_some(Unfit::CacheHit),
            })
            .collect()
    }

    fn route(model: &str) -> Route {
        serde_json::from_value(serde_json::json!({"id": model, "provider": "openai", "model": model}))
            .unwrap()
    }

    fn terms() -> Terms {
        Terms {
            change: ChangeNumber(7),
            revision: Revision(1),
            workflow: WorkflowId::from("support-answer"),
            baseline: route("gpt-4o-2024-05-13"),
            candidate: route("gpt-4o-2024-08-06"),
            from: DateTime::UNIX_EPOCH,
            until: DateTime::UNIX_EPOCH,
            immaterial: vec![],
            margins: Margins::default(),
            claims_savings: true,
            seed: *b"governor-shown-1",
            limits: Limits {
                traces: 100,
                ..Limits::default()
            },
        }
    }

    #[test]
    fn plan_and_sample_do_not_depend_on_the_order_of_the_calls() {
        let forward = ShadowPlan::freeze(terms(), &calls());
        let mut reversed = calls();
        reversed.reverse();
        let backward = ShadowPlan::freeze(terms(), &reversed);
        assert_eq!(forward, backward);
        assert_eq!(forward.0.digest().unwrap(), backward.0.digest().unwrap());
        assert_eq!(forward.1.len() as u64, forward.0.traces());
    }

    #[test]
    fn what_cannot_be_replayed_is_counted_and_warned_about() {
        let (plan, sample) = ShadowPlan::freeze(terms(), &calls());
        assert_eq!(plan.excluded, BTreeMap::from([("cache_hit".to_owned(), 100)]));
        assert!(
            sample
                .iter()
                .all(|sampled| sampled.trace_id[1..].parse::<u32>().unwrap() % 3 != 1)
        );
        insta::assert_snapshot!(plan.warnings().join("\n"), @r"
        Only 67 % of the recorded calls could be replayed; the calls left out may differ from the rest.
        Only 20 calls of kind rare were recorded: too few to say much about it.
        ");
    }

    #[test]
    fn any_edit_is_another_plan() {
        let (plan, _) = ShadowPlan::freeze(terms(), &calls());
        let edited = ShadowPlan {
            alpha: 0.05,
            ..plan.clone()
        };
        assert_ne!(plan.digest().unwrap(), edited.digest().unwrap());
    }
}

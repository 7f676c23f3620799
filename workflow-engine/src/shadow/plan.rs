//! The plan of a shadow test, frozen and hashed before anything is sampled or sent.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    analysis::{self, plan::Mode},
    statistics::sample_size::{Power, paired_non_inferiority_by_score},
    strata::{self, Pilot},
};
use crate::{
    catalog::{
        Margins, RiskTier, Workflow,
        shadow::{JudgeCard, KindBy, OwnCheck, Source},
    },
    values::{ChangeNumber, Digest, Revision, Route, Usd, WorkflowId},
};

/// Level of each one-sided test.
const ALPHA: f64 = 0.025;

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
    /// What tells kinds of request apart.
    #[serde(default)]
    pub kinds_by: Vec<KindBy>,
    /// Kinds of request with how many are replayed.
    pub strata: BTreeMap<String, StratumPlan>,
    /// Recorded calls in the window.
    pub recorded: u64,
    /// Calls that cannot be replayed, as their rows tell, by reason.
    pub excluded: BTreeMap<String, u64>,
    /// Calls whose content was read to draw the sample …
    #[serde(default)]
    pub read: u64,
    /// … and those of them that cannot be replayed, by reason.
    #[serde(default)]
    pub unreadable: BTreeMap<String, u64>,
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
    /// The checks that are run, by name.
    pub checks: Vec<String>,
    /// The workflow's own checks among them.
    #[serde(default)]
    pub own_checks: Vec<OwnCheck>,
    /// What is replaced by pseudonyms before anything is sent; none means nothing.
    #[serde(default)]
    pub redaction: Option<Redaction>,
    /// Who judges where checks cannot decide.
    #[serde(default)]
    pub judge: Option<JudgeCard>,
    /// Where the pairs come from.
    #[serde(default, skip_serializing_if = "Source::is_replay")]
    pub source: Source,
    /// Of mirrored pairs, how many have prompts and answers of both calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with_content: Option<u64>,
    /// Traces on which today's route is always asked; after them recorded answers may stand in for it, if they show no
    /// drift. None means that it is asked on all.
    #[serde(default)]
    pub first_block: Option<u64>,
    /// The earlier test by whose spreads the calls are shared among kinds; none means by size alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pilot: Option<Pilot>,
    /// Pairs with which 9 of 10 tests of an equally good candidate would clear the quality margin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enough: Option<u64>,
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
    /// As the gateway recorded it for live and mirror call.
    Gateway,
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
    /// What tells kinds of request apart.
    pub kinds_by: Vec<KindBy>,
    /// Kinds that are shown but do not decide.
    pub immaterial: Vec<String>,
    /// The workflow's own checks.
    pub own_checks: Vec<OwnCheck>,
    /// What is replaced by pseudonyms.
    pub redaction: Option<Redaction>,
    /// Who judges.
    pub judge: Option<JudgeCard>,
    /// Where the pairs come from.
    pub source: Source,
    /// An earlier test of the workflow.
    pub pilot: Option<Pilot>,
    /// Whether recorded answers may stand in for today's route.
    pub reuse_recorded: bool,
    /// How much worse the candidate may be.
    pub margins: Margins,
    /// Whether cost is a gate.
    pub claims_savings: bool,
    /// 16 random bytes.
    pub seed: [u8; 16],
    /// The limits of the run.
    pub limits: Limits,
}

/// What a plan replaces by pseudonyms: personal data by its form, and these names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redaction {
    /// Patterns of names.
    pub names: Vec<String>,
}

/// Limits of a run: money and size from the catalog, the rest from the configuration.
#[derive(Clone, Debug, PartialEq)]
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

/// What tells a workflow's kinds of request apart: what it says, else its tag, else tools and prompt length.
#[must_use]
pub fn kinds_by(workflow: &Workflow) -> Vec<KindBy> {
    if !workflow.shadow.kinds_by.is_empty() {
        return workflow.shadow.kinds_by.clone();
    }
    match workflow.strata.tag_prefix {
        Some(_) => vec![KindBy::Tag],
        None => vec![KindBy::Tools, KindBy::Length],
    }
}

/// How many traces show whether recorded answers have drifted: enough that, where today's route differs from itself on
/// 5 of 100, the 95 % interval of the difference is narrower than half the margin on each side; at least 100.
fn first_block(margins: &Margins) -> u64 {
    let half_width = margins.quality / 2.0;
    let n = (1.96 / half_width).powi(2) * 0.05;
    (n.ceil() as u64).max(100)
}

/// Pairs for power 0.9 of the score test, where 5 of 100 answers differ each way between equally good models.
fn enough(margins: &Margins) -> Option<u64> {
    let aim = Power {
        alpha: ALPHA,
        power: 0.9,
    };
    paired_non_inferiority_by_score(0.05, 0.05, margins.quality, aim)
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
    /// The mirror call beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mirror: Option<String>,
}

impl ShadowPlan {
    pub(super) fn of(
        terms: Terms,
        (recorded, excluded): (u64, BTreeMap<String, u64>),
        (read, unreadable): (u64, BTreeMap<String, u64>),
        strata: BTreeMap<String, StratumPlan>,
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
            kinds_by: terms.kinds_by,
            strata,
            recorded,
            excluded,
            read,
            unreadable,
            seed_hex: hex::encode(terms.seed),
            alpha: ALPHA,
            checks: super::checks::names(&terms.own_checks),
            own_checks: terms.own_checks,
            redaction: terms.redaction,
            judge: terms.judge,
            source: terms.source,
            pilot: terms.pilot,
            with_content: None,
            first_block: terms.reuse_recorded.then(|| first_block(&terms.margins)),
            enough: enough(&terms.margins),
            margins: terms.margins,
            mode: limits.mode,
            claims_savings: terms.claims_savings,
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

    /// The share of the recorded calls that could be replayed, 0 to 1: what is left by rows, times what is left by contents.
    #[must_use]
    pub fn replayable_share(&self) -> f64 {
        let left = |of: u64, without: &BTreeMap<String, u64>| {
            let without: u64 = without.values().sum();
            of.saturating_sub(without) as f64 / of.max(1) as f64
        };
        let by_content = if self.read == 0 {
            1.0
        } else {
            left(self.read, &self.unreadable)
        };
        left(self.recorded, &self.excluded) * by_content
    }

    /// How mirrored pairs came about, and what they cannot show.
    fn mirror_words(&self) -> Vec<String> {
        let (Some(kept), n) = (self.with_content, self.traces()) else {
            return Vec::new();
        };
        let how = "The pairs are live calls with their mirror calls, as the gateway recorded them: nothing was asked again, and nothing was paid.";
        let what = if kept == 0 {
            "Their prompts and answers were not kept, so only whether an answer came, time, tokens and cost are compared.".to_owned()
        } else if kept < n {
            format!(
                "Prompts and answers were kept for {kept} of {n} pairs; of the rest only whether an answer came, time, tokens and cost are compared."
            )
        } else {
            "Only a reference answer says which tools are right here: the live answer is one of the two arms."
                .to_owned()
        };
        vec![how.to_owned(), what]
    }

    /// What an approver should know before trusting the result; plain sentences.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = self.mirror_words();
        let share = self.replayable_share();
        if self.recorded > 0 && share < 0.8 {
            warnings.push(format!(
                "Only {:.0} % of the recorded calls could be replayed; the calls left out may differ from the rest.",
                share * 100.0
            ));
        }
        let planned = self.traces();
        if let Some(enough) = self.enough.filter(|enough| (1..*enough).contains(&planned)) {
            warnings.push(format!(
                "Only {planned} calls are replayed: about {enough} are needed to clear an equally good model 9 times in 10."
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

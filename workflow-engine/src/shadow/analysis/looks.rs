//! Sequential mode: overall quality watched trace by trace.

use super::endpoints::traces_needed;
use super::pairs::Pair;
use super::plan::Plan;
use super::report::{Endpoint, Method, Outcome, Sequential};
use crate::shadow::statistics::sequential::{ConfidenceSequence, EProcess};

/// The looks with what the endpoint needs of them beside the block in the report.
pub(super) struct Watched {
    pub(super) block: Sequential,
    p_non_inferior: f64,
}

/// Feeds candidate − incumbent, in file order, to both bets and to the confidence sequence.
pub(super) fn watch(plan: &Plan, pairs: &[Pair]) -> Watched {
    let margin = plan.margins.quality;
    let mut better = EProcess::non_inferior(margin, plan.alpha);
    let mut worse = EProcess::inferior(margin, plan.alpha);
    let mut sequence = ConfidenceSequence::new(plan.two_sided());
    for pair in pairs {
        let d = f64::from(i8::from(pair.arms.candidate.ok) - i8::from(pair.arms.incumbent.ok));
        better.push(d);
        worse.push(d);
        sequence.push(d);
    }
    Watched {
        p_non_inferior: better.p(),
        block: Sequential {
            wealth_non_inferior: better.wealth(),
            wealth_inferior: worse.wealth(),
            first_non_inferior: better.first().map(|trace| trace as u64),
            first_inferior: worse.first().map(|trace| trace as u64),
            confidence_sequence: sequence.interval(),
        },
    }
}

/// Puts the looks in the place of the fixed interval of overall quality: whichever bet was won first decides.
pub(super) fn judge(watched: &Watched, quality: &mut Endpoint, plan: &Plan) {
    let block = &watched.block;
    let never = u64::MAX;
    let (good, bad) = (
        block.first_non_inferior.unwrap_or(never),
        block.first_inferior.unwrap_or(never),
    );
    let outcome = match good.cmp(&bad) {
        std::cmp::Ordering::Less => Outcome::NonInferior,
        std::cmp::Ordering::Greater => Outcome::Inferior,
        std::cmp::Ordering::Equal => Outcome::Inconclusive,
    };
    quality.method = Method::Betting;
    quality.interval = Some(block.confidence_sequence);
    quality.p_non_inferior = Some(watched.p_non_inferior);
    quality.measurably_worse = block.confidence_sequence.upper < 0.0;
    quality.outcome = Some(outcome);
    quality.n_needed = traces_needed(quality, plan);
}

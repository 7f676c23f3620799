//! Whether recorded answers may stand in for today's route: only where a first block shows that it has not drifted.

use super::{
    plan::ShadowPlan,
    statistics::paired_binary::{Counts, tango_interval},
};

/// Whether (recorded right, right when asked again) of the first block shows no drift: the interval of the difference
/// includes 0 and is narrower than half the margin on each side.
#[must_use]
pub fn none_shown(plan: &ShadowPlan, block: impl IntoIterator<Item = (bool, bool)>) -> bool {
    let counts = Counts::of(block);
    let Some(wanted) = plan.first_block else {
        return false;
    };
    // Contents that are gone thin the block; half of it is too thin to say anything.
    if counts.n() * 2 < wanted {
        return false;
    }
    let interval = tango_interval(&counts, 2.0 * plan.alpha);
    let half_width = (interval.upper - interval.lower) / 2.0;
    interval.lower <= 0.0 && interval.upper >= 0.0 && half_width < plan.margins.quality / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shadow::{
        freeze::Pool,
        plan::Terms,
        samples::{head, terms},
    };

    fn plan() -> ShadowPlan {
        let terms = Terms {
            reuse_recorded: true,
            ..terms()
        };
        let pool = Pool::draw(&terms, &[head("t")]);
        ShadowPlan::freeze(terms, pool, &std::collections::BTreeMap::new()).0
    }

    fn block(same: usize, lost: usize, won: usize) -> Vec<(bool, bool)> {
        let mut block = vec![(true, true); same];
        block.extend(vec![(true, false); lost]);
        block.extend(vec![(false, true); won]);
        block
    }

    #[test]
    fn a_narrow_interval_around_zero_shows_no_drift_and_anything_else_does_not() {
        let plan = plan();
        assert_eq!(plan.first_block, Some(308));
        assert!(none_shown(&plan, block(300, 4, 4)));
        // Wide, shifted, thin.
        assert!(!none_shown(&plan, block(270, 19, 19)));
        assert!(!none_shown(&plan, block(295, 12, 1)));
        assert!(!none_shown(&plan, block(120, 0, 0)));
    }
}

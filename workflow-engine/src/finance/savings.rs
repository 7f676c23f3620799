//! What a route change saved: today's cost against what the same calls would have cost on the old route.

use num_traits::Zero;

use super::exact::Exact;

/// One kind of request on the new route.
#[derive(Clone, Debug, PartialEq)]
pub struct Stratum {
    /// Its name.
    pub id: String,
    /// What it cost on the new route in the period.
    pub actual: Exact,
    /// Cost of the paired shadow calls on the old route.
    pub shadow_old: Exact,
    /// Cost of the same calls on the new route; never 0.
    pub shadow_new: Exact,
}

/// What was saved. A kind of request that got dearer counts against it.
#[derive(Clone, Debug, PartialEq)]
pub struct Savings {
    /// What the same calls would have cost on the old route.
    pub counterfactual: Exact,
    /// What they cost.
    pub actual: Exact,
    /// What the test cost, once.
    pub shadow_cost: Exact,
}

impl Savings {
    /// Before the cost of the test.
    #[must_use]
    pub fn gross(&self) -> Exact {
        &self.counterfactual - &self.actual
    }

    /// After it.
    #[must_use]
    pub fn net(&self) -> Exact {
        self.gross() - &self.shadow_cost
    }
}

/// Counterfactual = Σ actual × old / new of the paired shadow cost. None when a stratum's new cost is 0, so that
/// there is no ratio.
#[must_use]
pub fn savings(strata: &[Stratum], shadow_cost: &Exact) -> Option<Savings> {
    if strata.iter().any(|stratum| stratum.shadow_new.is_zero()) {
        return None;
    }
    Some(Savings {
        counterfactual: strata
            .iter()
            .map(|stratum| &stratum.actual * &stratum.shadow_old / &stratum.shadow_new)
            .sum(),
        actual: strata.iter().map(|stratum| &stratum.actual).sum(),
        shadow_cost: shadow_cost.clone(),
    })
}

//! What a workflow may spend in a month, and where it stands.

use serde::{Deserialize, Serialize};

use crate::values::Usd;

/// Where a budget stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BudgetState {
    /// Below the first warning.
    Ok,
    /// At or past the share at which people are told.
    Warn,
    /// All of it is spent: at exactly the limit, and past it.
    Exhausted,
}

/// A month's limit and what is known about spending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetFacts {
    /// Dollars a calendar month.
    pub limit: Usd,
    /// Spent this month so far.
    pub spent: Usd,
}

impl BudgetState {
    /// Where `spent` of `limit` stands when people are told at `warn_percent`.
    #[must_use]
    pub fn of(spent: Usd, limit: Usd, warn_percent: u32) -> Self {
        if spent >= limit {
            return Self::Exhausted;
        }
        let hundred = rust_decimal::Decimal::ONE_HUNDRED;
        match spent.0 * hundred >= limit.0 * rust_decimal::Decimal::from(warn_percent) {
            true => Self::Warn,
            false => Self::Ok,
        }
    }
}

impl BudgetFacts {
    /// Where it stands; people are told at 80 of 100.
    #[must_use]
    pub fn state(&self) -> BudgetState {
        BudgetState::of(self.spent, self.limit, 80)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_used_up_at_exactly_its_limit_and_not_a_hundredth_of_a_cent_before() {
        let usd = |text: &str| Usd(text.parse().unwrap());
        let state = |spent| BudgetState::of(usd(spent), usd("2500"), 80);
        assert_eq!(state("1999.9999"), BudgetState::Ok);
        assert_eq!(state("2000"), BudgetState::Warn);
        assert_eq!(state("2499.9999"), BudgetState::Warn);
        assert_eq!(state("2500"), BudgetState::Exhausted);
        assert_eq!(state("2500.0001"), BudgetState::Exhausted);
    }
}

//! The shipped example catalog, for tests.

use super::{Catalog, RiskTier, load};

/// The text of `deploy/catalog.example.toml`.
pub(crate) const EXAMPLE: &str = include_str!("../../../deploy/catalog.example.toml");

/// The example, read, with both workflows in the usual tier and nothing accepted that a test says no to.
pub(crate) fn sample() -> Catalog {
    let mut catalog = load("catalog.example.toml", EXAMPLE).unwrap_or_else(|faults| panic!("{faults}"));
    for workflow in &mut catalog.workflows {
        workflow.risk = RiskTier::Standard;
    }
    catalog.policy.accept_not_eligible.clear();
    catalog
}

//! Who must agree to a change, who may not, and whether different people can be found for every slot.

mod bars;
mod matching;
mod matrix;

pub use bars::{Bar, Case, bars};
pub use matching::{Shortage, seat};
pub use matrix::{Requirement, Unfillable, matrix, policy_matrix, seats, tier_rule};

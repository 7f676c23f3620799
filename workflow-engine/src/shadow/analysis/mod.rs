//! What the pairs of a shadow test say about the candidate, against a plan frozen before.
pub mod report;

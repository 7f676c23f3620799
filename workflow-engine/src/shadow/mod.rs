//! The shadow test: what is sampled, what is measured on both arms, and what the figures say.

pub mod analysis;
pub mod arm;
pub mod checks;
pub mod drift;
pub mod ending;
pub mod features;
pub mod freeze;
pub mod judging;
pub mod looks;
pub mod mirror;
pub mod plan;
pub mod privacy;
pub mod recorded;
pub mod run;
pub mod sample;
#[cfg(test)]
pub(crate) mod samples;
pub mod statistics;
pub mod strata;

//! The shadow test: what is sampled, what is measured on both arms, and what the figures say.

pub mod analysis;
pub mod arm;
pub mod checks;
pub mod plan;
pub mod recorded;
pub mod run;
pub mod sample;
pub mod statistics;
pub mod strata;

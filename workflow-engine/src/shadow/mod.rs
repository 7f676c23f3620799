//! The shadow test: what is sampled, what is measured on both arms, and what the figures say.

pub mod analysis;
pub mod sample;
pub mod statistics;

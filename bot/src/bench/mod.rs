//! What `governor bench` measures: each figure beside what was done for it.

pub mod engine;
mod figures;
mod sealing;

//! What `governor bench` measures: each figure beside what was done for it.

pub mod decide;
pub mod engine;
mod figures;
pub mod ingest;
mod sealing;

//! One test binary: it links once.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failing scenario says so by panicking"
)]

mod calls;
mod catalog;
mod engine;
mod proving;
mod sealing;
mod verify_proof;

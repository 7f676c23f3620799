//! One test binary: it links once.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failing scenario says so by panicking"
)]

mod catalog;
mod calls;
mod engine;
mod proving;
mod sealing;
mod verify_proof;

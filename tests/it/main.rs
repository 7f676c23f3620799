//! One test binary: it links once.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a failing scenario says so by panicking"
)]

mod calls;
mod catalog;
mod engine;
mod policy;
mod proving;
mod sealing;
mod tampering;
mod gateway;
mod proving;
mod sealing;
mod shadow_run;
mod verify_proof;

//! One test binary: it links once.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a failing scenario says so by panicking"
)]

mod api;
mod backup;
mod calls;
mod catalog;
mod chat_approval;
mod chat_faults;
mod console;
mod deliveries;
mod demo;
mod engine;
mod gateway;
mod money;
mod policy;
mod proving;
mod queue;
mod replicas;
mod sealing;
mod shadow_run;
mod tampering;
mod tidy;
mod verify_proof;
mod versions;
mod witnessing;

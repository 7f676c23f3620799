//! One test binary: it links once.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a failing scenario says so by panicking"
)]

mod apart;
mod api;
mod backup;
mod broken_variants;
mod calls;
mod catalog;
mod chat_approval;
mod chat_faults;
mod console;
mod deliveries;
mod demo;
mod engine;
mod erasing;
mod faults;
mod gateway;
mod independent;
mod judging;
mod ledger_speed;
mod limits;
mod mirrored;
mod model;
mod money;
mod operating;
mod oracles;
mod policy;
mod policy_change;
mod progress;
mod proving;
mod publishing;
mod queue;
mod replicas;
mod rotation;
mod row_seals;
mod sealing;
mod shadow_arms;
mod shadow_content;
mod shadow_run;
mod side_by_side;
mod soak;
mod supporting;
mod tampering;
mod tidy;
mod traffic_policy;
mod verify_proof;
mod versions;
mod waiting;
mod witnessing;

//! Everything that speaks somebody else's protocol: one folder per system, each with its stand-in in `fake.rs`.

pub mod chat;
pub mod evaluations;
pub mod gateways;
pub mod http;
pub mod models;
pub mod timestamps;
pub mod traces;
pub mod witness;

#[cfg(test)]
mod corpus;

//! The evidence packet: what approvers saw, as a signed statement that standard tools and offline readers can check.
//!
//! [`packet`] says what is in it, [`statement`] how it is wrapped, [`dsse`] signs it, [`verify`] checks it against the ledger. All of it is pure.

pub mod counters;
pub mod dsse;
pub mod figures;
pub mod packet;
pub mod policy_packet;
#[cfg(test)]
pub(crate) mod sample;
pub mod sentences;
pub mod statement;
pub mod supporting;
pub mod verify;

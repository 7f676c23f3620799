//! The engine: what is governed, and how. Read [`change::machine`] first: it is the state machine, and it is pure.
//!
//! Reading order: `values` → `change::state` → `change::machine` → `engine` → `ports`.

pub mod approval;
pub mod catalog;
pub mod change;
pub mod engine;
pub mod evidence;
pub mod finance;
pub mod ledger;
pub mod policy;
pub mod ports;
pub mod shadow;
pub mod store;
pub mod usage;
pub mod values;

#[cfg(test)]
mod vectors;

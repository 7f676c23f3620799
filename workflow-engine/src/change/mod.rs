//! A change request: what state it is in, what may happen to it, what follows.
//!
//! Reading order: [`state`] (where it can stand) → [`command`] and [`event`] (what is asked, what happened) →
//! [`machine`] (the rules) → [`effect`] (what the service then does).

mod applying;
pub mod attached;
pub mod command;
pub mod definitions;
pub mod diagram;
mod duties;
pub mod effect;
pub mod event;
mod evolve;
pub mod machine;
#[cfg(test)]
mod properties;
mod react;
pub mod refusal;
mod review;
mod samples;
pub mod slots;
pub mod state;
mod testing;
mod vote;

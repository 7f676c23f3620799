//! The demo: the whole product in one process on SQLite, with stand-ins that speak the real protocols over loopback.
//!
//! `stage` builds it, `story` plays it; figures, prompts, traffic and answers are the material.

mod browser;
pub mod figures;
pub mod prompts;
pub mod recorded;
pub mod stage;
pub mod story;
pub mod summary;
mod tour;
pub mod traffic;
pub mod vendor;

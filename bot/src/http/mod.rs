//! Everything over HTTP: the API, the console, and what every request goes through.

pub mod api;
pub mod auth;
pub mod commands;
pub mod console;
pub mod hooks;
pub mod idempotency;
pub mod limits;
pub mod problem;
pub mod router;
mod sse;
pub mod state;

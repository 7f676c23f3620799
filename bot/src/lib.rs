//! The service `governor`: configuration, HTTP, console, chat conversation and jobs around the engine.

pub mod config;
pub mod plots;

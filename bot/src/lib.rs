//! The service `governor`: configuration, HTTP, console, chat conversation and jobs around the engine.

pub mod backup;
pub mod bench;
pub mod calls;
pub mod cards;
pub mod chat;
pub mod clock;
pub mod commands;
pub mod commands_cli;
pub mod config;
pub mod demo;
pub mod doctor;
pub mod gateways;
pub mod http;
pub mod jobs;
pub mod packet;
pub mod plots;
pub mod prices;
pub mod service;
pub mod storage;
pub mod telemetry;
pub mod witness;

//! What other systems call: chat platforms, gateways, tracers.

pub mod chat;

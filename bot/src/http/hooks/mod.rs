//! Where other systems deliver: clicks and words of chat, calls as traces, callbacks and rows.

pub mod calls_in;
pub mod chat;
//! What other systems call: chat platforms, gateways, tracers.

pub mod calls_in;
pub mod chat;
pub mod ingest;
pub mod litellm;
pub mod traces;

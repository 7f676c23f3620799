//! What the engine asks of the outside world; `integrations` answers, tests answer with stand-ins.

pub mod calls;
pub mod chat;
pub mod clock;
pub mod gateway;
pub mod model;
pub mod timestamp;
pub mod trace_source;
pub mod witness;

//! What the service does by itself: one file an effect or a chore.

pub mod calls;
pub mod admission;
mod subject;
pub mod timers;

//! The evidence as people see it, whatever shows it: sentences and plots, a picture for chat, a table for other tools.

pub mod csv;
pub mod evidence;
mod judge;
pub mod png;

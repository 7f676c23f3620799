//! Model vendors that replay recorded calls.

pub mod openai_compatible;

//! Model vendors that replay recorded calls: one folder a protocol, one client over them.
//!
//! A recorded turn is in OpenAI's shape ([`ReplayInput`](workflow_engine::ports::model::ReplayInput)); `conversation`
//! reads it once, each folder writes it in its vendor's words and reads the answer back.

mod answer;
pub mod anthropic;
pub mod bedrock;
pub mod client;
mod conversation;
#[cfg(feature = "fakes")]
pub mod fake;
pub mod gemini;
pub mod openai_compatible;
pub mod openai_responses;
pub mod sse;

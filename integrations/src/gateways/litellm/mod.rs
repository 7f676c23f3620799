//! LiteLLM proxy.

pub mod ingest;
mod ingest_row;

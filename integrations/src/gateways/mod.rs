//! LLM gateways: what they serve, how an approved route gets there, and the calls that they report.

pub mod litellm;

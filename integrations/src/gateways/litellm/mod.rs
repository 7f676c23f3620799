//! LiteLLM proxy.

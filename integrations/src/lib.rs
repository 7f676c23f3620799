//! Room of the workspace; see docs/architecture.md.

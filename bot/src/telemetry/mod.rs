//! What the service tells about itself: metrics here, logs in `tracing`.

pub mod metrics;
pub mod setup;

//! A source that delivers calls: a gateway's callback, an application's spans, a file.

use bytes::Bytes;

use crate::usage::report::Delivery;

/// Reads one format of delivery.
///
/// Rules that every adapter keeps (its corpus tests hold it to them): a record that cannot be read becomes a reject
/// and leaves its neighbours alone; unknown fields are no error; unknown is `None`, never 0; token figures are
/// inclusive totals; the same body gives the same reports.
pub trait TraceSource: Send + Sync {
    /// Everything that `body` (decompressed) contains. `source` is the name given to the token that delivered it.
    ///
    /// # Errors
    /// When the body as a whole is not of that format; nothing of it is stored then, and the sender is told.
    fn receive(&self, source: &str, body: &Bytes) -> Result<Delivery, Malformed>;
}

/// A body that cannot be read at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} at {place}: {why}")]
pub struct Malformed {
    /// What was being read (`OTLP protobuf`, `LiteLLM callback`).
    pub what: &'static str,
    /// Where it went wrong (`byte 17`, `line 3 column 9`).
    pub place: String,
    /// What is wrong, and what would be right.
    pub why: String,
}

//! What happened since this process started, counted for whoever watches it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// One number that only grows.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// One more.
    pub(crate) fn one(&self) {
        self.add(1);
    }

    /// So many more.
    pub(crate) fn add(&self, more: usize) {
        self.0.fetch_add(more as u64, Relaxed);
    }

    /// How many so far.
    #[must_use]
    pub fn so_far(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// Everything that is counted.
#[derive(Debug, Default)]
pub struct Counts {
    /// Commands that were carried out.
    pub applied: Count,
    /// Commands that repeated an earlier one and got its answer.
    pub repeated: Count,
    /// Commands that the rules did not allow.
    pub refused: Count,
    /// Times that a command was decided anew because another one was faster.
    pub conflicts: Count,
    /// Jobs that ended well.
    pub jobs_done: Count,
    /// Jobs that will be tried again.
    pub retries: Count,
    /// Claims that ran out while we were at work: somebody else has the job now.
    pub leases_lost: Count,
    /// Results that came after their claim had run out and were dropped.
    pub stale_results: Count,
    /// Jobs that were given up.
    pub dead: Count,
}

//! A clock that stands still until a test moves it.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Duration, TimeZone, Utc};
use workflow_engine::ports::clock::Clock;

/// A clock that stands still until a test moves it. Its randomness is real.
#[derive(Clone, Debug)]
pub struct TestClock(Arc<Mutex<DateTime<Utc>>>);

impl Default for TestClock {
    /// Monday, 16 November 2026, 09:00 UTC.
    fn default() -> Self {
        let start = Utc
            .with_ymd_and_hms(2026, 11, 16, 9, 0, 0)
            .single()
            .expect("a time");
        Self(Arc::new(Mutex::new(start)))
    }
}

impl TestClock {
    /// Lets time pass.
    pub fn advance(&self, by: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}

impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn random(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the system has randomness");
    }
}

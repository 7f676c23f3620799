//! The real clock: the one place that reads the system's time and randomness.

use chrono::{DateTime, Utc};
use workflow_engine::ports::clock::Clock;

/// The system's time and randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    fn random(&self, bytes: &mut [u8]) {
        // Without the system's randomness there are no unguessable ids, tokens or salts: nothing may go on.
        #[expect(
            clippy::expect_used,
            reason = "going on with guessable secrets would be worse"
        )]
        getrandom::fill(bytes).expect("the operating system gives randomness");
    }
}

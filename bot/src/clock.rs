//! The real clock: the one place that reads the system's time and randomness.

use chrono::{DateTime, TimeDelta, Utc};
use workflow_engine::ports::clock::Clock;

/// The system's time and randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now() + wrong_by()
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

/// The soak lets the clocks of replicas jump: in a dev build, the file that `SOAK_CLOCK_FILE` names holds the seconds by
/// which this clock is wrong. A release build has only the other function.
#[cfg(debug_assertions)]
fn wrong_by() -> TimeDelta {
    static FILE: std::sync::LazyLock<Option<std::ffi::OsString>> =
        std::sync::LazyLock::new(|| std::env::var_os("SOAK_CLOCK_FILE"));
    let text = FILE.as_ref().and_then(|file| std::fs::read_to_string(file).ok());
    let seconds = text.and_then(|text| text.trim().parse().ok());
    TimeDelta::seconds(seconds.unwrap_or(0))
}

#[cfg(not(debug_assertions))]
fn wrong_by() -> TimeDelta {
    TimeDelta::zero()
}

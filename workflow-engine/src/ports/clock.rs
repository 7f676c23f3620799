//! Time and randomness as something that is handed in, so that deadlines, ids and samples can be tested.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::values::ids::uuid_v7;

/// Where time and randomness come from. One for the whole service.
pub trait Clock: Send + Sync {
    /// The time now, UTC.
    fn now(&self) -> DateTime<Utc>;

    /// Fills `bytes` with randomness that nobody can guess.
    fn random(&self, bytes: &mut [u8]);

    /// A fresh id that sorts by time.
    fn new_id(&self) -> Uuid {
        let mut random = [0; 10];
        self.random(&mut random);
        uuid_v7(self.now(), &random)
    }
}

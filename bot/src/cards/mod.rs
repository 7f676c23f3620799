//! From a change to what people see in chat: no platform, no database, no clock.
//!
//! [`view::ChangeView`] is filled by `chat::view`; each file here makes one kind of message of it.

pub mod asked;
pub mod evidence;
pub mod forms;
pub mod home;
pub mod replies;
pub mod root;
pub mod samples;
pub mod view;
pub(crate) mod words;

use workflow_engine::{change::slots::Conditions, evidence::figures::count};

/// Conditions in words: `10 of 100 calls, below $25,000 a month`.
#[must_use]
pub fn conditions_words(conditions: &Conditions) -> String {
    let canary = conditions
        .canary_percent
        .map(|share| format!("at most {share} of 100 calls"));
    let cap = conditions
        .monthly_cap_usd
        .map(|cap| format!("below ${} a month", count(cap)));
    let days = conditions.expires_days.map(|days| format!("for {days} days"));
    canary
        .into_iter()
        .chain(cap)
        .chain(days)
        .collect::<Vec<_>>()
        .join(", ")
}

//! `[sign_in]`: how people sign in to the console.

use serde::Deserialize;

use super::Problem;

/// How people sign in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// The way in.
    pub mode: SignInMode,
    /// Hours that a session lasts.
    pub session_hours: i64,
    /// Minutes that a sign-in link works.
    pub link_minutes: i64,
}

/// The way in. A company's own identity provider becomes a third one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignInMode {
    /// One-time links.
    Link,
    /// Anybody may be anybody: the demo.
    Pick,
}

impl SignIn {
    pub(super) fn problem(&self) -> Problem {
        if !(1..=168).contains(&self.session_hours) {
            return Some(("sign_in.session_hours", "it must be 1 to 168".to_owned()));
        }
        if !(1..=1440).contains(&self.link_minutes) {
            return Some(("sign_in.link_minutes", "it must be 1 to 1440".to_owned()));
        }
        None
    }
}

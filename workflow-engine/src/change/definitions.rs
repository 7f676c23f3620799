//! The versions of the rules that this program carries: a change follows the one it was filed under until it ends.
//!
//! A new version is one more line in [`CARRIED`]. The release that adds it still files under the one before, so that it
//! and the release before can serve side by side; the next release moves [`FILES`] on. A version is taken out when no
//! open change follows it any more. How events change a change (`evolve`) has no versions: what is recorded keeps its
//! meaning.

use chrono::{DateTime, Utc};

use super::{
    command::Command,
    effect::Effect,
    event::Event,
    machine,
    refusal::{Facts, Refusal, Terms},
    state::Change,
};

/// Every version carried, lowest first and without a gap.
const CARRIED: &[Definition] = &[Definition {
    version: 1,
    decide: machine::decide,
    react: machine::react,
}];
/// The version that new changes are filed under.
const FILES: u32 = 1;

/// The signature of [`machine::decide`].
pub type Decide = fn(&Change, &Command, &Facts) -> Result<Vec<Event>, Refusal>;
/// The signature of [`machine::react`].
pub type React = fn(&Event, &Change, &Terms, DateTime<Utc>) -> Vec<Effect>;

/// One version of the rules.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// Its number, from 1; stored with each change that follows it.
    pub version: u32,
    /// What a command makes happen.
    pub decide: Decide,
    /// What follows from an event.
    pub react: React,
}

/// The versions that a program carries, and the one it files under.
#[derive(Clone, Copy, Debug)]
pub struct Definitions {
    carried: &'static [Definition],
    files: &'static Definition,
}

impl Default for Definitions {
    /// Those of this program.
    #[expect(clippy::expect_used, reason = "a test holds the two constants to each other")]
    fn default() -> Self {
        Self::new(CARRIED, FILES).expect("the program carries what it files under")
    }
}

impl Definitions {
    /// A table; none unless it is without gaps and `files` is in it.
    #[must_use]
    pub fn new(carried: &'static [Definition], files: u32) -> Option<Self> {
        let without_gap = carried
            .windows(2)
            .all(|pair| pair[0].version + 1 == pair[1].version);
        let files = carried.iter().find(|it| it.version == files)?;
        without_gap.then_some(Self { carried, files })
    }

    /// The rules of that version, if they are carried.
    #[must_use]
    pub fn of(&self, version: u32) -> Option<&'static Definition> {
        self.carried.iter().find(|it| it.version == version)
    }

    /// The rules that a new change follows.
    #[must_use]
    pub fn filing(&self) -> &'static Definition {
        self.files
    }

    /// The lowest and the highest version carried.
    #[must_use]
    pub fn range(&self) -> (u32, u32) {
        let last = self.carried.last().unwrap_or(self.files);
        (self.carried.first().unwrap_or(self.files).version, last.version)
    }

    /// `version 1`, `versions 1 to 3`.
    #[must_use]
    pub fn words(&self) -> String {
        match self.range() {
            (only, last) if only == last => format!("version {only}"),
            (first, last) => format!("versions {first} to {last}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_program_carries_what_it_files_under() {
        assert_eq!(Definitions::default().filing().version, FILES);
    }

    #[test]
    fn a_table_with_a_gap_or_without_the_filed_version_is_none() {
        static GAP: [Definition; 2] = [
            CARRIED[0],
            Definition {
                version: 3,
                ..CARRIED[0]
            },
        ];
        assert!(Definitions::new(&GAP, 1).is_none());
        assert!(Definitions::new(CARRIED, 2).is_none());
    }
}

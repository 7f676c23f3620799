//! A model as judge, where checks cannot decide: blinded, asked in both orders, believed only as far as people agree with it.
//!
//! Reading order: `question` (what it is asked and how its reply is read), `calibration` (how far people agree with it),
//! `estimate` and `correction` (what people would say of all pairs, put into the report), `family` (who may not judge whom).

pub mod calibration;
pub mod correction;
pub mod estimate;
pub mod family;
pub mod question;

use std::{cmp::Ordering, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::ports::model::Completion;

/// Which answer somebody holds better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Says {
    /// Today's.
    Incumbent,
    /// The candidate's.
    Candidate,
    /// Neither.
    Tie,
}

impl Says {
    /// Candidate minus incumbent.
    #[must_use]
    pub fn score(self) -> f64 {
        match self {
            Self::Incumbent => -1.0,
            Self::Candidate => 1.0,
            Self::Tie => 0.0,
        }
    }

    /// The longer of two answers, by their bytes.
    #[must_use]
    pub fn longer(incumbent: &str, candidate: &str) -> Self {
        match candidate.len().cmp(&incumbent.len()) {
            Ordering::Less => Self::Incumbent,
            Ordering::Equal => Self::Tie,
            Ordering::Greater => Self::Candidate,
        }
    }

    /// The word in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Incumbent => "incumbent",
            Self::Candidate => "candidate",
            Self::Tie => "tie",
        }
    }
}

impl FromStr for Says {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Incumbent, Self::Candidate, Self::Tie]
            .into_iter()
            .find(|says| says.as_str() == text)
            .ok_or_else(|| format!("`{text}` is none of incumbent, candidate, tie"))
    }
}

/// In which order two answers are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Order {
    /// Today's answer first.
    Forward,
    /// The candidate's first.
    Swapped,
}

impl Order {
    /// Both, as every pair is asked.
    pub const BOTH: [Self; 2] = [Self::Forward, Self::Swapped];

    /// `[incumbent, candidate]` as they are shown.
    #[must_use]
    pub fn shown<T>(self, [incumbent, candidate]: [T; 2]) -> [T; 2] {
        match self {
            Self::Forward => [incumbent, candidate],
            Self::Swapped => [candidate, incumbent],
        }
    }

    /// Whose answer a choice by place means.
    #[must_use]
    pub fn means(self, choice: Choice) -> Says {
        match (self, choice) {
            (_, Choice::Neither) => Says::Tie,
            (Self::Forward, Choice::First) | (Self::Swapped, Choice::Second) => Says::Incumbent,
            (Self::Forward, Choice::Second) | (Self::Swapped, Choice::First) => Says::Candidate,
        }
    }

    /// The word in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Swapped => "swapped",
        }
    }
}

/// A choice between two answers by their places: all that somebody who is blinded can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// The answer shown first is better.
    First,
    /// The answer shown second is better.
    Second,
    /// Neither is.
    Neither,
}

/// What a judge said of one pair, asked in both orders; none where its reply was no verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Both {
    /// With today's answer first.
    pub forward: Option<Says>,
    /// With the candidate's first.
    pub swapped: Option<Says>,
}

impl Both {
    /// The verdict: what both orders agree on, or else a tie.
    #[must_use]
    pub fn verdict(self) -> Says {
        self.forward
            .filter(|_| self.forward == self.swapped)
            .unwrap_or(Says::Tie)
    }

    /// Whether the order changed what it said.
    #[must_use]
    pub fn flipped(self) -> bool {
        self.forward.is_some() && self.swapped.is_some() && self.forward != self.swapped
    }

    /// Replies that were no verdict.
    #[must_use]
    pub fn unreadable(self) -> u64 {
        u64::from(self.forward.is_none()) + u64::from(self.swapped.is_none())
    }

    /// How often the answer shown first won, and the one shown second.
    #[must_use]
    pub fn places(self) -> (u64, u64) {
        let count = |first: Says, second: Says| {
            u64::from(self.forward == Some(first)) + u64::from(self.swapped == Some(second))
        };
        (
            count(Says::Incumbent, Says::Candidate),
            count(Says::Candidate, Says::Incumbent),
        )
    }
}

/// The text of an answer that can be compared; none where checks decide (tools) or nothing was said.
#[must_use]
pub fn comparable(answer: &Completion) -> Option<&str> {
    let text = answer.text.as_deref().map(str::trim)?;
    (answer.tool_calls.is_empty() && !text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_that_disagree_are_a_tie_and_so_is_a_reply_that_is_no_verdict() {
        let both = |forward, swapped| Both { forward, swapped };
        let (incumbent, candidate) = (Some(Says::Incumbent), Some(Says::Candidate));
        assert_eq!(both(candidate, candidate).verdict(), Says::Candidate);
        assert_eq!(both(incumbent, candidate).verdict(), Says::Tie);
        assert_eq!(both(candidate, None).verdict(), Says::Tie);
        assert_eq!(both(None, None).verdict(), Says::Tie);
        assert!(both(incumbent, candidate).flipped() && !both(candidate, None).flipped());
        assert_eq!(both(candidate, None).unreadable(), 1);
    }

    #[test]
    fn a_judge_that_always_says_first_gives_only_ties() {
        let [forward, swapped] = Order::BOTH.map(|order| Some(order.means(Choice::First)));
        let both = Both { forward, swapped };
        assert!(both.flipped());
        assert_eq!((both.verdict(), both.places()), (Says::Tie, (2, 0)));
    }

    #[test]
    fn what_is_shown_first_is_what_a_choice_of_the_first_means() {
        for order in Order::BOTH {
            let shown = order.shown([Says::Incumbent, Says::Candidate]);
            assert_eq!(order.means(Choice::First), shown[0]);
            assert_eq!(order.means(Choice::Second), shown[1]);
        }
    }
}

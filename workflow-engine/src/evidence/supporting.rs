//! Supporting evidence as a packet lists it: results of other tools, who attached them, and what they count to.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::figures::{count, points};
use crate::{
    change::{attached::Attached, event::Event},
    shadow::statistics::paired_binary::tango_interval,
    values::PersonId,
};

/// One attached file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Supporting {
    /// What it is and what it counts to.
    #[serde(flatten)]
    pub file: Attached,
    /// Who attached it.
    pub by: PersonId,
    /// When.
    pub at: DateTime<Utc>,
    /// Candidate minus incumbent, as a proportion.
    pub estimate: f64,
    /// Its 95 % limits (Tango).
    pub interval: [f64; 2],
}

impl Supporting {
    /// What `event` of the moment `at` attached, if it did.
    #[must_use]
    pub fn of(event: &Event, at: DateTime<Utc>) -> Option<Self> {
        let Event::EvidenceAttached { by, file } = event else {
            return None;
        };
        let limits = tango_interval(&file.counts, 0.05);
        Some(Self {
            estimate: file.counts.difference(),
            interval: [limits.lower, limits.upper],
            file: file.clone(),
            by: by.clone(),
            at,
        })
    }

    /// `promptfoo, gpt-4o → gpt-4o-mini: 200 pairs, 12 right only with the candidate and 10 only today: +1.0 points …`
    #[must_use]
    pub fn sentence(&self) -> String {
        let file = &self.file;
        let models = file
            .models
            .as_ref()
            .map(|[incumbent, candidate]| format!(", {incumbent} → {candidate}"))
            .unwrap_or_default();
        let counts = file.counts;
        format!(
            "Results of {}{models}: {} pairs, {} right on both, {} only with the candidate, {} only today; a difference of {} points (between {} and {}).",
            file.format.title(),
            count(counts.n()),
            count(counts.a),
            count(counts.c),
            count(counts.b),
            points(self.estimate),
            points(self.interval[0]),
            points(self.interval[1]),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{change::attached::Format, shadow::statistics::paired_binary::Counts, values::Digest};

    #[test]
    fn an_attached_file_is_one_sentence_with_its_counts() {
        let file = Attached {
            sha256: Digest::of(b"file"),
            pairs_sha256: Digest::of(b"pairs"),
            format: Format::Promptfoo,
            counts: Counts {
                a: 150,
                b: 10,
                c: 12,
                d: 28,
            },
            unpaired: 3,
            models: Some(["gpt-4o".to_owned(), "gpt-4o-mini".to_owned()]),
        };
        let by = PersonId::from("maya");
        let event = Event::EvidenceAttached { by, file };
        let supporting = Supporting::of(&event, DateTime::UNIX_EPOCH).unwrap();
        insta::assert_snapshot!(supporting.sentence(), @"Results of promptfoo, gpt-4o → gpt-4o-mini: 200 pairs, 150 right on both, 12 only with the candidate, 10 only today; a difference of +1.0 points (between −3.8 and +5.9).");
        let json = serde_json::to_value(&supporting).unwrap();
        assert_eq!(serde_json::from_value::<Supporting>(json).unwrap(), supporting);
    }
}

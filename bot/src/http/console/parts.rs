//! The parts that pages share: times, badges, rows of changes, empty states, pagers.

use chrono::{DateTime, Utc};
use serde::Serialize;
use workflow_engine::{change::state::State, engine::queries::list::ChangeLine, evidence::figures::model};

/// A time as it is shown; script turns it into the reader's own zone.
#[derive(Clone, Debug, Serialize)]
pub struct Time {
    iso: String,
    utc: String,
    text: String,
}

impl From<DateTime<Utc>> for Time {
    fn from(at: DateTime<Utc>) -> Self {
        Self {
            iso: at.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            utc: at.format("%Y-%m-%d %H:%M:%S UTC").to_string(),
            text: at.format("%-d %b, %H:%M UTC").to_string(),
        }
    }
}

/// A state as a shape, a word and a colour.
#[derive(Clone, Debug, Serialize)]
pub struct Badge {
    /// The word.
    pub word: String,
    /// The shape (see `pages::Shape`).
    pub mark: &'static str,
    /// The colour: grey in progress, blue waiting, green done, red ended badly, amber unsure.
    pub tone: &'static str,
}

impl Badge {
    /// A badge of that word, shape and colour.
    #[must_use]
    pub fn new(word: impl Into<String>, mark: &'static str, tone: &'static str) -> Self {
        Self {
            word: word.into(),
            mark,
            tone,
        }
    }

    /// The badge of a change: its state, or that its test says no.
    #[must_use]
    pub fn of(state: State, verdict: Option<&str>) -> Self {
        let (mark, tone) = match state {
            State::Draft => ("ring", "grey"),
            State::Submitted
            | State::ShadowTesting
            | State::PolicyCheck
            | State::Applying
            | State::Verifying => ("half", "grey"),
            State::AwaitingApproval => ("half", "blue"),
            State::Approved => ("disc", "blue"),
            State::Completed => ("disc", "green"),
            State::ApplyFailed | State::Rejected | State::PolicyDenied | State::ShadowFailed => {
                ("diamond", "red")
            }
            State::Expired | State::Withdrawn | State::RolledBack => ("bar", "grey"),
        };
        match (state, verdict) {
            (State::PolicyDenied, Some("not_eligible")) => Self::new("Not eligible", "diamond", "red"),
            _ => Self::new(state.title(), mark, tone),
        }
    }
}

/// A change in a list.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    number: u64,
    title: String,
    workflow: String,
    requester: String,
    badge: Badge,
    when: Option<When>,
    asks: Option<String>,
}

/// A time with what it is about.
#[derive(Clone, Debug, Serialize)]
pub struct When {
    prefix: &'static str,
    at: Time,
}

impl Row {
    /// The row of a change; `asks` is what it asks of the reader.
    #[must_use]
    pub fn of(line: &ChangeLine, asks: Option<String>) -> Self {
        let deadline = line.deadline_at.filter(|_| line.state == State::AwaitingApproval);
        let when = deadline.map_or_else(
            || When {
                prefix: if line.state.is_final() { "ended" } else { "moved" },
                at: line.updated_at.into(),
            },
            |at| When {
                prefix: "closes",
                at: at.into(),
            },
        );
        Self {
            number: line.number.0,
            title: format!(
                "{} → {}",
                model(&line.baseline.primary.model),
                model(&line.candidate.primary.model)
            ),
            workflow: line.workflow.to_string(),
            requester: line.requester.name.clone(),
            badge: Badge::of(line.state, line.verdict.as_deref()),
            when: Some(when),
            asks,
        }
    }
}

/// What stands where a list is empty: what to do first.
#[derive(Clone, Debug, Serialize)]
pub struct Empty {
    /// One line.
    pub title: &'static str,
    /// What to do first, or why this is good.
    pub text: &'static str,
    /// Where to do it.
    pub action: Option<Link>,
}

/// A link with its words.
#[derive(Clone, Debug, Serialize)]
pub struct Link {
    /// Where.
    pub href: String,
    /// What it says.
    pub title: String,
}

/// Links to the other pages of a list; they keep its filters.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Pager {
    /// Back to the newest, when this is another page.
    pub first: Option<String>,
    /// The next page.
    pub next: Option<String>,
}

impl Pager {
    /// The pager of a list at `path` with its filters; none when everything is on one page.
    #[must_use]
    pub fn of(
        path: &str,
        filters: &[(&str, &str)],
        cursor: Option<&str>,
        next: Option<&str>,
    ) -> Option<Self> {
        let with = |cursor: Option<&str>| {
            let pairs = filters.iter().filter(|(_, value)| !value.is_empty()).copied();
            let pairs: Vec<_> = pairs.chain(cursor.map(|cursor| ("cursor", cursor))).collect();
            let query = serde_urlencoded::to_string(&pairs).unwrap_or_default();
            if query.is_empty() {
                path.to_owned()
            } else {
                format!("{path}?{query}")
            }
        };
        if cursor.is_none() && next.is_none() {
            return None;
        }
        Some(Self {
            first: cursor.map(|_| with(None)),
            next: next.map(|next| with(Some(next))),
        })
    }
}

/// An option of a list of choices.
#[derive(Clone, Debug, Serialize)]
pub struct Choice {
    /// Its value.
    pub id: String,
    /// Its words.
    pub title: String,
    /// Whether it is chosen.
    pub selected: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pager_keeps_the_filters() {
        let pager = Pager::of(
            "/changes",
            &[("workflow", "a b"), ("state", "")],
            Some("9"),
            Some("4"),
        )
        .unwrap();
        assert_eq!(pager.next.as_deref(), Some("/changes?workflow=a+b&cursor=4"));
        assert_eq!(pager.first.as_deref(), Some("/changes?workflow=a+b"));
        assert!(Pager::of("/changes", &[], None, None).is_none());
    }
}

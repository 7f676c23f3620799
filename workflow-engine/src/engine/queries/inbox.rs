//! What waits for a person, and what they wait for.

use serde::Serialize;

use super::list::ChangeLine;
use crate::{
    catalog::Catalog,
    change::state::{Change, State},
    engine::Engine,
    store::{self, error::StoreError, views::Filter},
    values::{PersonId, Role},
};

/// A person's inbox.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Inbox {
    /// What waits for them, the nearest deadline first.
    pub mine: Vec<Ask>,
    /// What they filed or decided and that waits for others.
    pub theirs: Vec<ChangeLine>,
    /// What ended lately, newest first.
    pub ended: Vec<ChangeLine>,
}

/// Something that waits for a person.
#[derive(Clone, Debug, Serialize)]
pub struct Ask {
    /// The change.
    #[serde(flatten)]
    pub change: ChangeLine,
    /// What is asked.
    pub what: What,
}

/// What is asked of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// To decide, for this role.
    Decide(Role),
    /// To answer a question about what they filed.
    Answer,
    /// To settle the concern that they raised.
    Settle,
    /// To hand in what they began to write.
    Submit,
    /// To look after an application that failed, or that people make by hand.
    Apply,
}

/// How many ended changes the inbox shows.
const ENDED: usize = 5;
/// How many changes it looks through.
const SEEN: u64 = 500;

impl Engine {
    /// The inbox of `person`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn inbox(&self, person: &PersonId) -> Result<Inbox, StoreError> {
        let (_, catalog) = self.catalog().await?;
        let changes = store::views::changes(self.db(), &Filter::default(), SEEN).await?;
        let mut inbox = Inbox::default();
        for change in &changes {
            let line = || ChangeLine::of(change, &catalog);
            if let Some(what) = asked(change, person, &catalog) {
                inbox.mine.push(Ask { change: line(), what });
            } else if change.state.is_final() {
                if inbox.ended.len() < ENDED {
                    inbox.ended.push(line());
                }
            } else if concerns(change, person) {
                inbox.theirs.push(line());
            }
        }
        inbox
            .mine
            .sort_by_key(|ask| (ask.change.deadline_at.is_none(), ask.change.deadline_at));
        Ok(inbox)
    }
}

/// What `change` asks of `person` now.
#[must_use]
pub fn asked(change: &Change, person: &PersonId, catalog: &Catalog) -> Option<What> {
    let wrote = change.requester == *person || change.co_authors.contains(person);
    match change.state {
        State::Draft if wrote => Some(What::Submit),
        State::AwaitingApproval => {
            if wrote && change.questions.iter().any(|question| !question.answered) {
                return Some(What::Answer);
            }
            if change
                .concerns
                .iter()
                .any(|concern| !concern.resolved && concern.by == *person)
            {
                return Some(What::Settle);
            }
            may_decide(change, person).map(What::Decide)
        }
        State::Approved | State::ApplyFailed | State::Applying if runs_gateways(person, catalog) => {
            let by_hand = change
                .application
                .as_ref()
                .is_none_or(|application| application.by_hand);
            (change.state != State::Applying || by_hand).then_some(What::Apply)
        }
        _ => None,
    }
}

/// The role for which `person` could decide now: open, theirs, and not barred as an author or by another vote.
#[must_use]
pub fn may_decide(change: &Change, person: &PersonId) -> Option<Role> {
    let packet = change.packet?;
    let wrote = change.requester == *person || change.co_authors.contains(person);
    let voted = change
        .slots
        .iter()
        .flat_map(|slot| &slot.votes)
        .any(|vote| vote.by == *person && vote.revision == change.revision && vote.packet == packet);
    if wrote || voted || change.state != State::AwaitingApproval {
        return None;
    }
    let delegated = |role: Role| {
        change
            .delegations
            .iter()
            .any(|delegation| delegation.role == role && delegation.to == *person)
    };
    change
        .slots
        .iter()
        .filter(|slot| !slot.is_filled(change.revision, packet))
        .find(|slot| slot.open_to().any(|open| open == person) || delegated(slot.role))
        .map(|slot| slot.role)
}

fn runs_gateways(person: &PersonId, catalog: &Catalog) -> bool {
    catalog
        .groups
        .iter()
        .any(|group| group.role == Role::Platform && group.members.contains(person))
}

/// Whether `person` has a part in it: filed it, wrote it or voted on it.
fn concerns(change: &Change, person: &PersonId) -> bool {
    change.requester == *person
        || change.co_authors.contains(person)
        || change
            .slots
            .iter()
            .flat_map(|slot| &slot.votes)
            .any(|vote| vote.by == *person)
}

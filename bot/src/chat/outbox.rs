//! Copies: every message of ours shows the change as it is, wherever it stands and whatever surface moved it.
//!
//! If the change moves while a rendering is on its way, the next one follows at once, so the last one sent is the newest
//! one.

use workflow_engine::{
    change::{
        event::Event,
        slots::Vote,
        state::{Change, State},
    },
    engine::jobs::JobError,
    ports::chat::{Card, MessageRef, Place},
    store::{self, changes::Loaded},
    values::PersonId,
};

use super::{
    Chat,
    copies::{Copies, Posting, Sent, Wanted, keyed, message_of},
    say::trouble,
    view::{Sources, time_of},
};
use crate::cards::{self, view::ChangeView};

/// The thread's first message.
const ROOT: &str = "root";
/// How often a copy is rendered anew when its change keeps moving.
const ROUNDS: usize = 5;

/// The messages of one conversation.
pub struct Outbox<'chat> {
    pub(super) chat: &'chat Chat,
}

impl<'chat> Outbox<'chat> {
    pub(super) fn new(chat: &'chat Chat) -> Self {
        Self { chat }
    }

    /// Brings every copy of a change to the state as it is.
    ///
    /// # Errors
    /// When the database or the platform does not answer.
    pub async fn refresh(&self, change_id: &str, posting: Posting<'_>) -> Result<(), JobError> {
        for _ in 0..ROUNDS {
            let Some(loaded) = self.load(change_id).await? else {
                return Ok(());
            };
            self.refresh_once(&loaded, posting).await?;
            let now = self.load(change_id).await?;
            if now.is_none_or(|now| now.version == loaded.version) {
                return Ok(());
            }
        }
        Err(JobError::retry("the change moves faster than its cards"))
    }

    async fn refresh_once(&self, loaded: &Loaded, posting: Posting<'_>) -> Result<(), JobError> {
        let sources = self.chat.sources(&loaded.change).await?;
        let view = self.chat.view_of(&loaded.change, &sources).await?;
        let root = Wanted {
            change: loaded,
            to: Place::channel(sources.catalog.company.approvals_channel.trim_start_matches('#')),
            kind: ROOT.to_owned(),
            card: cards::root::card(&view),
        };
        let Some(root) = self.copies().bring(root, posting).await? else {
            return Ok(());
        };
        if let Some(evidence) = cards::evidence::card(&view) {
            let reply = Wanted {
                change: loaded,
                to: root.thread(),
                kind: format!("evidence.{}", view.revision),
                card: evidence,
            };
            self.copies().bring(reply, posting).await?;
        }
        self.refresh_asked(loaded, (&sources, &view), posting).await?;
        self.refresh_homes(&loaded.change).await
    }

    /// Direct messages that approvers got, and only those that are there.
    async fn refresh_asked(
        &self,
        loaded: &Loaded,
        (sources, view): (&Sources, &ChangeView),
        posting: Posting<'_>,
    ) -> Result<(), JobError> {
        let platform = self.chat.platform.name();
        let copies =
            store::messages::of_change(self.chat.engine.db(), platform, loaded.change.id.as_str()).await?;
        for copy in copies.into_iter().filter(|copy| copy.purpose.starts_with("ask.")) {
            let slot = self.slot_of_user(&loaded.change, sources, &copy.place);
            let Some(slot) = slot.and_then(|index| view.slots.get(index)) else {
                continue;
            };
            let wanted = Wanted {
                change: loaded,
                to: Place::channel(&copy.place),
                kind: copy.purpose.split(':').next().unwrap_or_default().to_owned(),
                card: cards::asked::card(view, slot),
            };
            self.copies().bring(wanted, posting).await?;
        }
        Ok(())
    }

    /// Asks everybody who may fill an open slot, once for each edition.
    ///
    /// # Errors
    /// As [`Outbox::refresh`].
    pub async fn ask(&self, change_id: &str, posting: Posting<'_>) -> Result<(), JobError> {
        self.to_the_awaited(change_id, posting, |view, slot| {
            (format!("ask.{}", view.revision), cards::asked::card(view, slot))
        })
        .await?;
        // An earlier claim may have sent them already, and nobody needs them twice.
        if matches!(posting, Posting::By(job) if job.ticket.token == 1) {
            self.show_pictures(change_id).await?;
        }
        Ok(())
    }

    /// Reminds everybody who has not decided yet; `event` is the one that says so.
    async fn remind(&self, change_id: &str, event: u32, posting: Posting<'_>) -> Result<(), JobError> {
        self.to_the_awaited(change_id, posting, |view, slot| {
            (format!("remind.{event}"), cards::asked::reminder(view, slot))
        })
        .await
    }

    async fn to_the_awaited(
        &self,
        change_id: &str,
        posting: Posting<'_>,
        message: impl Fn(&ChangeView, &cards::view::SlotView) -> (String, Card),
    ) -> Result<(), JobError> {
        let Some(loaded) = self.load(change_id).await? else {
            return Ok(());
        };
        let sources = self.chat.sources(&loaded.change).await?;
        let view = self.chat.view_of(&loaded.change, &sources).await?;
        let mut asked: Vec<PersonId> = Vec::new();
        for (slot, shown) in loaded
            .change
            .slots
            .iter()
            .zip(&view.slots)
            .filter(|(_, shown)| !shown.is_filled())
        {
            for person in slot.open_to() {
                if has_decided(&loaded.change, person) || asked.contains(person) {
                    continue;
                }
                asked.push(person.clone());
                let Some(user) = self.chat.user_of(person).await? else {
                    continue;
                };
                let (kind, card) = message(&view, shown);
                let wanted = Wanted {
                    change: &loaded,
                    to: Place::channel(&user),
                    kind,
                    card,
                };
                // One person whose messages do not arrive must not keep the others from being asked.
                match self.copies().bring(wanted, posting).await {
                    Err(JobError::Permanent { why }) => {
                        tracing::warn!(why, "an approver could not be asked in chat")
                    }
                    other => drop(other?),
                }
            }
        }
        Ok(())
    }

    /// Says one event in the thread, once.
    ///
    /// # Errors
    /// As [`Outbox::refresh`].
    pub async fn announce(&self, change_id: &str, event: u32, posting: Posting<'_>) -> Result<(), JobError> {
        let Some(loaded) = self.load(change_id).await? else {
            return Ok(());
        };
        let sources = self.chat.sources(&loaded.change).await?;
        let Some((stored, said)) = sources.events.iter().find(|(stored, _)| stored.n == event) else {
            return Ok(());
        };
        let Some(root) = self.root(&loaded.change).await? else {
            return Err(JobError::retry("the thread has no first message yet"));
        };
        let card = said_card(&sources, stored, said).filter(|_| !self.is_said_here(said, stored));
        if let Some(card) = card {
            let reply = Wanted {
                change: &loaded,
                to: root.thread(),
                kind: format!("event.{event}"),
                card,
            };
            self.copies().bring(reply, posting).await?;
        }
        if matches!(said, Event::Reminded { .. } | Event::Escalated { .. }) {
            self.remind(change_id, event, posting).await?;
        }
        Ok(())
    }

    /// A comment that was typed in this very thread stands there already.
    fn is_said_here(&self, event: &Event, stored: &store::changes::StoredEvent) -> bool {
        matches!(event, Event::Commented { .. })
            && stored
                .command_key
                .starts_with(&format!("{}:", self.chat.platform.name()))
    }

    /// Publishes the home page of a person who has opened it, and remembers that they have.
    ///
    /// # Errors
    /// As [`Outbox::refresh`].
    pub async fn home(&self, person: &PersonId, user: &str) -> Result<(), JobError> {
        let newest = store::changes::newest(self.chat.engine.db(), None, 200).await?;
        let open: Vec<&Change> = newest
            .iter()
            .map(|loaded| &loaded.change)
            .filter(|change| !change.state.is_final())
            .collect();
        let line = |change: &Change| cards::home::Line {
            number: change.number.to_string(),
            workflow: change.workflow.to_string(),
            status: change.state.title().to_owned(),
            link: self.chat.link(change.number),
        };
        let mine = open.iter().filter(|change| awaits(change, person));
        let filed = open.iter().filter(|change| change.requester == *person);
        let card = cards::home::card(
            &mine.map(|change| line(change)).collect::<Vec<_>>(),
            &filed.map(|change| line(change)).collect::<Vec<_>>(),
        );
        self.chat
            .platform
            .publish_home(user, &card)
            .await
            .map_err(|error| trouble(&error))?;
        let home = Sent {
            place: user,
            purpose: "home",
            reference: user.to_owned(),
        };
        self.copies().remember(None, &home, &card).await
    }

    /// Home pages of the few people whom this change concerns.
    async fn refresh_homes(&self, change: &Change) -> Result<(), JobError> {
        let concerned = change
            .slots
            .iter()
            .flat_map(|slot| slot.eligible.iter())
            .chain([&change.requester]);
        let mut seen: Vec<&PersonId> = Vec::new();
        for person in concerned {
            if seen.contains(&person) {
                continue;
            }
            seen.push(person);
            let Some(user) = self.chat.user_of(person).await? else {
                continue;
            };
            let platform = self.chat.platform.name();
            if store::messages::find(self.chat.engine.db(), platform, &user, "home")
                .await?
                .is_some()
            {
                self.home(person, &user).await?;
            }
        }
        Ok(())
    }

    /// The message on which a change's thread hangs.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn root(&self, change: &Change) -> Result<Option<MessageRef>, JobError> {
        let platform = self.chat.platform.name();
        let copies = store::messages::of_change(self.chat.engine.db(), platform, change.id.as_str()).await?;
        Ok(copies
            .iter()
            .find(|copy| copy.purpose == keyed(ROOT, change))
            .and_then(message_of))
    }

    fn copies(&self) -> Copies<'chat> {
        Copies { chat: self.chat }
    }

    pub(super) async fn load(&self, change_id: &str) -> Result<Option<Loaded>, JobError> {
        Ok(store::changes::by_id(self.chat.engine.db(), change_id).await?)
    }

    /// The slot for which somebody was asked: the first one that they may fill, filled ones last.
    fn slot_of_user(&self, change: &Change, sources: &Sources, user: &str) -> Option<usize> {
        let person = sources
            .catalog
            .people
            .iter()
            .find(|person| person.slack.as_deref() == Some(user))?;
        let may = |index: &usize| {
            change.slots[*index].eligible.contains(&person.id)
                || change.slots[*index].escalation.contains(&person.id)
        };
        (0..change.slots.len()).find(may)
    }
}

/// The reply that says one event.
fn said_card(sources: &Sources, stored: &store::changes::StoredEvent, event: &Event) -> Option<Card> {
    let told = cards::replies::Told {
        name: &|person| sources.name(person),
        note: &|id| sources.note(id),
        at: time_of(stored),
        recorded: sources.places.get(&stored.n).copied(),
    };
    cards::replies::card(event, &told)
}

/// Whether nothing more can be asked of this person: they filed it, or filled a slot.
fn has_decided(change: &Change, person: &PersonId) -> bool {
    let counts = |vote: &Vote| {
        vote.by == *person && vote.revision == change.revision && Some(vote.packet) == change.packet
    };
    *person == change.requester || change.slots.iter().flat_map(|slot| &slot.votes).any(counts)
}

/// Whether this person may fill a slot that is open.
fn awaits(change: &Change, person: &PersonId) -> bool {
    let Some(packet) = change.packet.filter(|_| change.state == State::AwaitingApproval) else {
        return false;
    };
    let open = change
        .slots
        .iter()
        .filter(|slot| !slot.is_filled(change.revision, packet));
    !has_decided(change, person) && open.flat_map(|slot| slot.open_to()).any(|asked| asked == person)
}

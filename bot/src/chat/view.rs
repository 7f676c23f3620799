//! From a stored change to what cards show: names from the catalog, words from the notes, places from the ledger.

use std::collections::HashMap;

use chrono::DateTime;
use workflow_engine::{
    catalog::Catalog,
    change::{
        event::Event,
        slots::{Slot, Vote},
        state::{Change, State},
    },
    engine::jobs::JobError,
    evidence::{figures::count, packet::Packet},
    store::{self, changes::StoredEvent},
    values::{PersonId, Role},
};

use super::Chat;
use crate::cards::{
    conditions_words,
    view::{ChangeView, Progress, SlotView, VoteView},
};

/// What a view is made of besides the change.
pub(super) struct Sources {
    pub catalog: std::sync::Arc<Catalog>,
    pub events: Vec<(StoredEvent, Event)>,
    pub notes: HashMap<String, String>,
    /// What people decide on, once it is sealed.
    pub packet: Option<Packet>,
    /// Places in the ledger, by event number.
    pub places: HashMap<u32, u64>,
}

impl Sources {
    pub(super) fn name(&self, person: &PersonId) -> String {
        self.catalog
            .person(person.as_str())
            .map_or_else(|| person.to_string(), |entry| entry.name.clone())
    }

    pub(super) fn note(&self, id: &str) -> Option<String> {
        self.notes.get(id).cloned()
    }

    /// The number of the event that cast this vote.
    fn cast(&self, role: Role, vote: &Vote) -> Option<u32> {
        self.events.iter().rev().find_map(|(stored, event)| match event {
            Event::VoteCast {
                role: cast,
                vote: found,
            } if *cast == role && found.by == vote.by => Some(stored.n),
            _ => None,
        })
    }
}

impl Chat {
    /// What cards show of `change`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn view(&self, change: &Change) -> Result<ChangeView, JobError> {
        let sources = self.sources(change).await?;
        self.view_of(change, &sources).await
    }

    pub(super) async fn sources(&self, change: &Change) -> Result<Sources, JobError> {
        let db = self.engine.db();
        let (_, catalog) = self.engine.catalog().await?;
        let id = change.id.as_str();
        let stored = store::changes::events(db, id).await?;
        let places = store::views::places(db, stored.iter().map(|event| event.seq).collect()).await?;
        let place = |event: &StoredEvent| Some((event.n, *places.get(&event.seq)?));
        Ok(Sources {
            catalog,
            packet: self.engine.packet(change).await?,
            places: stored.iter().filter_map(place).collect(),
            notes: store::notes::of_change(db, id).await?,
            // An event of a newer version is shown as nothing rather than stopping every card.
            events: stored
                .into_iter()
                .filter_map(|stored| stored.event().ok().map(|event| (stored, event)))
                .collect(),
        })
    }

    pub(super) async fn view_of(&self, change: &Change, sources: &Sources) -> Result<ChangeView, JobError> {
        let evidence = self.evidence(change, sources).await?;
        let open = |state: bool| (!state).then_some(());
        let people_said = |number: u32, by: &PersonId, note: &str| {
            (
                number,
                sources.name(by),
                sources.note(note).unwrap_or_else(|| "(erased)".to_owned()),
            )
        };
        let concerns = change
            .concerns
            .iter()
            .filter(|concern| open(concern.resolved).is_some());
        let questions = change
            .questions
            .iter()
            .filter(|question| open(question.answered).is_some());
        Ok(ChangeView {
            number: change.number,
            workflow: change.workflow.to_string(),
            revision: change.revision.0,
            state: change.state,
            requester: sources.name(&change.requester),
            what: super::evidence::what(change),
            reason: change.reason.as_ref().and_then(|note| sources.note(&note.id)),
            evidence,
            progress: self.progress(change).await?,
            slots: change
                .slots
                .iter()
                .map(|slot| slot_view(slot, change, sources))
                .collect(),
            concerns: concerns
                .map(|concern| people_said(concern.number, &concern.by, &concern.note.id))
                .collect(),
            questions: questions
                .map(|question| people_said(question.number, &question.by, &question.note.id))
                .collect(),
            deadline: change.deadline_at,
            packet: change.packet.map(|packet| packet.short()),
            remark: remark(change, sources),
            at: change.updated_at,
            recorded: sources.places.get(&change.events).copied(),
            link: self.link(change.number),
            value: self
                .settings
                .key
                .value(change.number, change.revision, change.packet),
        })
    }

    async fn progress(&self, change: &Change) -> Result<Option<Progress>, JobError> {
        let Some(test) = change
            .test
            .as_ref()
            .filter(|_| change.state == State::ShadowTesting)
        else {
            return Ok(None);
        };
        let now = self.engine.clock().now().timestamp_millis();
        let run = store::shadow::progress(self.engine.db(), &test.run, now).await?;
        Ok(run.map(|run| Progress {
            done: run.done,
            total: run.total,
            spent: format!("{} of at most {}", run.spent_usd, run.cap_usd),
            minutes_left: run.seconds_left.map(|seconds| seconds.div_ceil(60)),
            paused: test.paused,
        }))
    }
}

fn slot_view(slot: &Slot, change: &Change, sources: &Sources) -> SlotView {
    let counts = |vote: &&Vote| vote.revision == change.revision && Some(vote.packet) == change.packet;
    let vote_view = |vote: &Vote| VoteView {
        by: sources.name(&vote.by),
        for_whom: vote.for_whom.as_ref().map(|person| sources.name(person)),
        conditions: vote.conditions.as_ref().map(conditions_words),
        at: vote.at,
        recorded: sources
            .cast(slot.role, vote)
            .and_then(|n| sources.places.get(&n).copied()),
    };
    SlotView {
        role: slot.role,
        group: slot.group.clone(),
        asked: asked(slot, sources),
        needed: slot.needed,
        votes: slot.votes.iter().filter(counts).map(vote_view).collect(),
        why: why(slot, change, sources),
        concerns: concerns(slot.role, sources),
    }
}

/// A group by its name; an owner and a deputy by theirs.
fn asked(slot: &Slot, sources: &Sources) -> String {
    if slot.role != Role::Owner {
        return format!("anyone in @{}", slot.group);
    }
    let names: Vec<String> = slot.open_to().map(|person| sources.name(person)).collect();
    names.join(" or ")
}

/// What this role should look at, as the packet says it.
fn concerns(role: Role, sources: &Sources) -> Vec<String> {
    let slots = sources.packet.iter().flat_map(|packet| &packet.slots);
    slots
        .filter(|slot| slot.role == role)
        .flat_map(|slot| slot.concerns.iter().cloned())
        .collect()
}

/// Why this role is asked: the most telling thing that it should look at, or what its entry says.
fn why(slot: &Slot, change: &Change, sources: &Sources) -> Option<String> {
    if let Some(first) = concerns(slot.role, sources).into_iter().next() {
        return Some(first.trim_end_matches('.').to_owned());
    }
    let workflow = sources.catalog.workflow(change.workflow.as_str())?;
    match slot.role {
        Role::Security => {
            let class = sources
                .catalog
                .data_classes
                .iter()
                .find(|class| class.id == workflow.data_class)?;
            Some(format!("data class {}", class.name))
        }
        Role::Finance => {
            let center = sources
                .catalog
                .cost_centers
                .iter()
                .find(|center| center.id == workflow.cost_center)?;
            Some(format!("charged to {} {}", center.id, center.name))
        }
        Role::Owner => Some(format!("owns {}", workflow.name)),
        Role::Platform => Some(format!("runs {}", workflow.gateway)),
        Role::BreakGlass => None,
    }
}

/// Why it ended, in the words of whoever ended it, or what is wrong now.
fn remark(change: &Change, sources: &Sources) -> Option<String> {
    let denied = sources.events.iter().rev().find_map(|(_, event)| match event {
        Event::Rejected { role, by, note } => {
            let why = sources
                .note(&note.id)
                .map(|words| format!(": “{words}”"))
                .unwrap_or_default();
            Some(format!(
                "Denied by {} for {}{why}",
                sources.name(by),
                role.title()
            ))
        }
        _ => None,
    });
    match change.state {
        State::Rejected => denied,
        State::Verifying | State::Applying => change
            .application
            .as_ref()
            .and_then(|application| application.drift.clone()),
        State::ApplyFailed => sources.events.iter().rev().find_map(|(_, event)| match event {
            Event::ApplyFailed { why } => Some(format!("The gateway did not take the route: {why}")),
            _ => None,
        }),
        State::Completed => {
            let seen = change
                .application
                .as_ref()
                .and_then(|application| application.calls_seen)?;
            Some(format!("Verified: {} calls seen on the new route.", count(seen)))
        }
        _ => change.ending.as_ref().map(|ending| super::say::capital(ending)),
    }
}

/// When an event happened.
pub(super) fn time_of(stored: &StoredEvent) -> DateTime<chrono::Utc> {
    DateTime::from_timestamp_millis(stored.at).unwrap_or_default()
}

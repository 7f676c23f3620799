//! Reads one change in full: the rows, the people behind the ids, the leaves in the ledger.

use std::collections::HashMap;

use serde_json::Value;

use super::{
    change_view::{
        ChangeView, DelegationView, EventView, LedgerView, SlotView, SupportingView, TalkView, TestView,
        VoteView,
    },
    people::Who,
    time,
};
use crate::{
    catalog::Catalog,
    change::{event::Event, slots::Slot, state::Change},
    engine::Engine,
    evidence::{
        packet::{EarlierRun, Packet},
        supporting::Supporting,
    },
    store::{self, changes::StoredEvent, error::StoreError},
    values::{ChangeNumber, Role},
};

/// All that a view is made of, read once.
struct Sources {
    catalog: std::sync::Arc<Catalog>,
    notes: HashMap<String, String>,
    events: Vec<StoredEvent>,
    places: HashMap<i64, u64>,
    packet: Option<Packet>,
}

impl Engine {
    /// The change of that number in full.
    ///
    /// # Errors
    /// When the database does not answer, or a row cannot be read.
    pub async fn change_view(&self, number: ChangeNumber) -> Result<Option<ChangeView>, StoreError> {
        let Some(loaded) = store::changes::by_number(self.db(), number).await? else {
            return Ok(None);
        };
        let (change, version) = (loaded.change, loaded.definition_version);
        let frozen = self.frozen_because(number, version);
        let events = store::changes::events(self.db(), change.id.as_str()).await?;
        let sources = Sources {
            catalog: self.catalog().await?.1,
            packet: self.packet(&change).await?,
            notes: store::notes::of_change(self.db(), change.id.as_str()).await?,
            places: store::views::places(self.db(), events.iter().map(|event| event.seq).collect()).await?,
            events,
        };
        let (test, verdict) = self.test_view(&change).await?;
        let policy = store::views::newest_decision(self.db(), change.id.as_str()).await?;
        let policy = policy.map(|(phase, body)| decision(&phase, &body)).transpose()?;
        let rules = (version, frozen);
        sources.view(&change, rules, test, (verdict, policy)).map(Some)
    }

    /// How far the test is, and its report once there is one.
    async fn test_view(&self, change: &Change) -> Result<(Option<TestView>, Option<Value>), StoreError> {
        let Some(test) = &change.test else {
            return Ok((None, None));
        };
        let mut runs = store::shadow::of_change(self.db(), &change.id).await?;
        let Some(current) = runs.iter().position(|run| run.id == test.run) else {
            return Ok((None, None));
        };
        let run = runs.remove(current);
        let report = run.report.as_deref().map(serde_json::from_str).transpose()?;
        let now = self.clock().now().timestamp_millis();
        let running = run.finished_at.is_none() && !test.paused;
        let view = TestView {
            plan_sha256: test.plan,
            total: u32::try_from(run.total).unwrap_or_default(),
            done: u32::try_from(run.done).unwrap_or_default(),
            spent_usd: run.spent_usd.plain(),
            cap_usd: run.plan.spend_cap_usd.plain(),
            seconds_left: run.progress(now).seconds_left.filter(|_| running),
            paused: test.paused,
            started_at: time(run.started_at),
            finished_at: run.finished_at.map(time),
            earlier: runs.into_iter().map(EarlierRun::from).collect(),
            run: run.id.0,
        };
        Ok((Some(view), report))
    }
}

/// The decision with the phase (`admission` or `assessment`) that it was made in.
fn decision(phase: &str, body: &str) -> Result<Value, StoreError> {
    let mut value: Value = serde_json::from_str(body)?;
    if let Value::Object(object) = &mut value {
        object.insert("phase".to_owned(), phase.into());
    }
    Ok(value)
}

impl Sources {
    fn view(
        &self,
        change: &Change,
        (definition_version, frozen): (u32, Option<String>),
        test: Option<TestView>,
        (verdict, policy): (Option<Value>, Option<Value>),
    ) -> Result<ChangeView, StoreError> {
        let who = |id| Who::person(&self.catalog, id);
        let note = |reference: &Option<crate::change::state::NoteRef>| {
            reference
                .as_ref()
                .and_then(|reference| self.notes.get(&reference.id).cloned())
        };
        let events = self
            .events
            .iter()
            .map(|event| self.event(event))
            // What a newer program has recorded may be unknown here; the rest is shown.
            .filter(|event| event.is_ok() || frozen.is_none())
            .collect::<Result<Vec<_>, _>>()?;
        Ok(ChangeView {
            number: change.number,
            id: change.id.clone(),
            workflow: change.workflow.clone(),
            state: change.state,
            stage: change.state.stage(),
            revision: change.revision,
            definition_version,
            frozen,
            packet_sha256: change.packet,
            baseline: change.baseline.clone(),
            candidate: change.candidate.clone(),
            requester: who(&change.requester),
            co_authors: change.co_authors.iter().map(who).collect(),
            reason: note(&change.reason),
            claims_savings: change.claims_savings,
            cites: change.cites,
            slots: change
                .slots
                .iter()
                .map(|slot| self.slot(change, slot, &events))
                .collect(),
            concerns: change
                .concerns
                .iter()
                .map(|it| self.talk(it.number, &it.by, &it.note.id, it.resolved))
                .collect(),
            questions: change
                .questions
                .iter()
                .map(|it| self.talk(it.number, &it.by, &it.note.id, it.answered))
                .collect(),
            delegations: change
                .delegations
                .iter()
                .map(|it| DelegationView {
                    role: it.role,
                    from: who(&it.from),
                    to: who(&it.to),
                    until: it.until,
                })
                .collect(),
            test,
            cost: verdict.as_ref().and_then(|verdict| verdict.get("cost")).cloned(),
            verdict,
            policy,
            assessment: change.assessment.clone(),
            deadline_at: change.deadline_at,
            approval: change.approval.clone(),
            application: change.application.clone(),
            ending: change.ending.clone(),
            filed_at: change.filed_at,
            updated_at: change.updated_at,
            supporting: self.supporting(&events),
            ledger: place(change, &events),
            packet: self.packet.clone(),
            events,
        })
    }

    fn supporting(&self, events: &[EventView]) -> Vec<SupportingView> {
        let sealed = self.packet.iter().flat_map(|packet| &packet.supporting);
        let sealed: Vec<_> = sealed.map(|it| it.file.sha256).collect();
        let attached = events
            .iter()
            .filter_map(|event| Supporting::of(&event.event, event.at));
        attached
            .map(|of| SupportingView {
                sentence: of.sentence(),
                attached_by: Who::person(&self.catalog, &of.by),
                in_packet: sealed.contains(&of.file.sha256),
                of,
            })
            .collect()
    }

    /// What `role` should look at, in the packet's words.
    fn concerns(&self, role: Role) -> Vec<String> {
        let slots = self.packet.iter().flat_map(|packet| &packet.slots);
        let own = slots.filter(|slot| slot.role == role);
        own.flat_map(|slot| slot.concerns.iter().cloned()).collect()
    }

    fn event(&self, stored: &StoredEvent) -> Result<EventView, StoreError> {
        let event = stored.event()?;
        Ok(EventView {
            seq: stored.seq,
            n: stored.n,
            kind: stored.kind.clone(),
            at: time(stored.at),
            actor: Who::stored(&self.catalog, &stored.actor),
            leaf: self.places.get(&stored.seq).copied(),
            note: note_of(&event).and_then(|id| self.notes.get(id).cloned()),
            event,
        })
    }

    fn slot(&self, change: &Change, slot: &Slot, events: &[EventView]) -> SlotView {
        let who = |id| Who::person(&self.catalog, id);
        let current = |vote: &&crate::change::slots::Vote| {
            vote.revision == change.revision && Some(vote.packet) == change.packet
        };
        let leaf = |by: &crate::values::PersonId| {
            events.iter().rev().find_map(|event| match &event.event {
                Event::VoteCast { role, vote } if *role == slot.role && vote.by == *by => event.leaf,
                _ => None,
            })
        };
        SlotView {
            role: slot.role,
            group: slot.group.clone(),
            needed: slot.needed,
            have: change
                .packet
                .map_or(0, |packet| slot.have(change.revision, packet)),
            votes: slot
                .votes
                .iter()
                .filter(current)
                .map(|vote| VoteView {
                    by: who(&vote.by),
                    for_whom: vote.for_whom.as_ref().map(who),
                    conditions: vote.conditions.clone(),
                    reason: vote
                        .note
                        .as_ref()
                        .and_then(|note| self.notes.get(&note.id).cloned()),
                    at: vote.at,
                    leaf: leaf(&vote.by),
                })
                .collect(),
            concerns: self.concerns(slot.role),
            // Whoever wrote the change is barred from it, whatever group they are in.
            eligible: slot
                .open_to()
                .filter(|person| **person != change.requester && !change.co_authors.contains(*person))
                .map(who)
                .collect(),
            recused: slot.recused.iter().map(who).collect(),
            escalated: slot.escalated,
        }
    }

    fn talk(&self, number: u32, by: &crate::values::PersonId, note: &str, settled: bool) -> TalkView {
        TalkView {
            number,
            by: Who::person(&self.catalog, by),
            text: self.notes.get(note).cloned(),
            settled,
        }
    }
}

fn place(change: &Change, events: &[EventView]) -> LedgerView {
    let packet_leaf = events.iter().rev().find_map(|event| match &event.event {
        Event::PacketSealed { packet, .. } | Event::PolicyDenied { packet, .. }
            if Some(*packet) == change.packet =>
        {
            event.leaf
        }
        _ => None,
    });
    LedgerView {
        leaf: events.iter().filter_map(|event| event.leaf).max(),
        sealed: events.iter().all(|event| event.leaf.is_some()),
        packet_leaf,
    }
}

/// The id of the text that came with an event.
fn note_of(event: &Event) -> Option<&str> {
    let note = match event {
        Event::Filed { proposal, .. } | Event::Edited { proposal, .. } | Event::Revised { proposal, .. } => {
            proposal.reason.as_ref()
        }
        Event::VoteCast { vote, .. } => vote.note.as_ref(),
        Event::ConcernRaised(concern) => Some(&concern.note),
        Event::InformationAsked(question) => Some(&question.note),
        Event::InformationGiven { note, .. }
        | Event::Rejected { note, .. }
        | Event::Revoked { note, .. }
        | Event::BreakGlassReviewed { note, .. }
        | Event::Commented { note, .. } => Some(note),
        Event::Approved(approval) => approval.break_glass.as_ref().map(|glass| &glass.reason),
        Event::RolledBack { note, .. } => note.as_ref(),
        _ => None,
    };
    note.map(|note| note.id.as_str())
}

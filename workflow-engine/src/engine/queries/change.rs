//! One change in full, as the API answers it and the change page shows it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use super::{people::Who, time};
use crate::{
    catalog::Catalog,
    change::{
        event::Event,
        slots::{Conditions, Slot},
        state::{Application, Approval, Assessment, Change, State},
    },
    engine::Engine,
    evidence::{
        packet::{EarlierRun, Packet},
        supporting::Supporting,
    },
    store::{self, changes::StoredEvent, error::StoreError},
    values::{ChangeId, ChangeNumber, Digest, Revision, Role, Route, WorkflowId},
};

/// A change in JSON (surfaces.md §2); fields may be added, none renamed.
#[derive(Clone, Debug, Serialize)]
pub struct ChangeView {
    /// What people call it.
    pub number: ChangeNumber,
    /// Its id.
    pub id: ChangeId,
    /// The workflow.
    pub workflow: WorkflowId,
    /// Where it stands.
    pub state: State,
    /// The public stage; none for a draft.
    pub stage: Option<&'static str>,
    /// Its edition.
    pub revision: Revision,
    /// The version of the rules that it follows.
    pub definition_version: u32,
    /// Why nothing can happen to it here; none unless this program does not carry that version.
    pub frozen: Option<String>,
    /// What people vote on.
    pub packet_sha256: Option<Digest>,
    /// What serves the workflow today.
    pub baseline: Route,
    /// What is proposed.
    pub candidate: Route,
    /// Who filed it.
    pub requester: Who,
    /// Who wrote it with them.
    pub co_authors: Vec<Who>,
    /// Why, in the requester's words.
    pub reason: Option<String>,
    /// Whether it is filed to save money.
    pub claims_savings: bool,
    /// An ended change that it takes up again.
    pub cites: Option<ChangeNumber>,
    /// Who must agree.
    pub slots: Vec<SlotView>,
    /// Objections.
    pub concerns: Vec<TalkView>,
    /// Questions.
    pub questions: Vec<TalkView>,
    /// Who decides in whose place, until when.
    pub delegations: Vec<DelegationView>,
    /// The test: how far it is.
    pub test: Option<TestView>,
    /// What the test says, as `governor analyze` writes it.
    pub verdict: Option<Value>,
    /// What the policy says.
    pub policy: Option<Value>,
    /// How risky it is.
    pub assessment: Option<Assessment>,
    /// The test's cost, as in `verdict`.
    pub cost: Option<Value>,
    /// When it expires.
    pub deadline_at: Option<DateTime<Utc>>,
    /// When it was approved.
    pub approval: Option<Approval>,
    /// How it reached the gateway.
    pub application: Option<Application>,
    /// Why it ended.
    pub ending: Option<String>,
    /// When it was filed.
    pub filed_at: DateTime<Utc>,
    /// When it last moved.
    pub updated_at: DateTime<Utc>,
    /// Results of other tools that people attached, oldest first; they decide nothing.
    pub supporting: Vec<SupportingView>,
    /// Its place in the ledger.
    pub ledger: LedgerView,
    /// What people decide on, as it was sealed; over HTTP it has an address of its own.
    #[serde(skip)]
    pub packet: Option<Packet>,
    /// What happened, oldest first.
    pub events: Vec<EventView>,
}

/// One slot.
#[derive(Clone, Debug, Serialize)]
pub struct SlotView {
    /// Whose agreement.
    pub role: Role,
    /// The group behind it.
    pub group: String,
    /// How many are needed.
    pub needed: u32,
    /// How many there are.
    pub have: u32,
    /// Votes on this edition's packet.
    pub votes: Vec<VoteView>,
    /// What this role should look at, in the packet's words, most important first.
    pub concerns: Vec<String>,
    /// Who may fill it now.
    pub eligible: Vec<Who>,
    /// Who stood down.
    pub recused: Vec<Who>,
    /// Whether the escalation people may decide.
    pub escalated: bool,
}

/// One vote that counts.
#[derive(Clone, Debug, Serialize)]
pub struct VoteView {
    /// Whose.
    pub by: Who,
    /// For whom, when it was delegated.
    pub for_whom: Option<Who>,
    /// Conditions, for a conditional yes.
    pub conditions: Option<Conditions>,
    /// What they wrote.
    pub reason: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
    /// Its leaf in the ledger, once it is sealed.
    pub leaf: Option<u64>,
}

/// An objection or a question.
#[derive(Clone, Debug, Serialize)]
pub struct TalkView {
    /// Its number within the change.
    pub number: u32,
    /// Who.
    pub by: Who,
    /// What; none when it was erased.
    pub text: Option<String>,
    /// Whether it is settled.
    pub settled: bool,
}

/// Somebody decides in another's place.
#[derive(Clone, Debug, Serialize)]
pub struct DelegationView {
    /// In which slot.
    pub role: Role,
    /// Whose place.
    pub from: Who,
    /// Who decides.
    pub to: Who,
    /// Until when.
    pub until: DateTime<Utc>,
}

/// How far a test is.
#[derive(Clone, Debug, Serialize)]
pub struct TestView {
    /// Its run.
    pub run: String,
    /// The frozen plan.
    pub plan_sha256: Digest,
    /// Pairs to replay.
    pub total: u32,
    /// Pairs replayed.
    pub done: u32,
    /// Dollars spent, an exact decimal.
    pub spent_usd: String,
    /// Dollars that may be spent at most.
    pub cap_usd: String,
    /// Seconds until it is done, if it goes on as so far; none before anything is known or once it has ended.
    pub seconds_left: Option<u64>,
    /// Whether somebody has stopped it for the moment.
    pub paused: bool,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// Every earlier run of the same change, oldest first: nobody repeats a test until it passes unseen.
    pub earlier: Vec<EarlierRun>,
}

/// Results of another tool.
#[derive(Clone, Debug, Serialize)]
pub struct SupportingView {
    /// What it is and what it counts to.
    #[serde(flatten)]
    pub of: Supporting,
    /// The same in words.
    pub sentence: String,
    /// Who attached it.
    pub attached_by: Who,
    /// Whether the packet that people decide on lists it.
    pub in_packet: bool,
}

/// Where a change stands in the ledger.
#[derive(Clone, Debug, Serialize)]
pub struct LedgerView {
    /// Index of the leaf of its newest sealed event.
    pub leaf: Option<u64>,
    /// Whether every event is sealed.
    pub sealed: bool,
    /// Index of the leaf that names the packet's digest.
    pub packet_leaf: Option<u64>,
}

/// One event.
#[derive(Clone, Debug, Serialize)]
pub struct EventView {
    /// Its place in the audit stream.
    pub seq: i64,
    /// Its number within the change.
    pub n: u32,
    /// Its word.
    pub kind: String,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: Who,
    /// Its leaf in the ledger, once it is sealed.
    pub leaf: Option<u64>,
    /// What somebody wrote with it; none when nothing was, or it was erased.
    pub note: Option<String>,
    /// The event as it was sealed.
    pub event: Event,
}

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

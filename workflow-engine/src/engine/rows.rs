//! A decision as rows: events hashed and chained, effects as jobs, votes with their seats.

use chrono::{DateTime, Utc};

use super::{
    Engine, Note, Outcome, Request,
    envelope::{Envelope, chained},
};
use crate::{
    change::{definitions::Definition, effect::Effect, event::Event, machine, refusal::Terms, state::Change},
    ledger::tiles::MAX_ENTRY,
    store::{
        changes::Loaded,
        commit::{ChangeRow, CommandRow, Commit, EventRow, JobRow, LiveRoute, NoteRow, VoteRow},
        error::StoreError,
    },
    values::{Actor, Digest, JobId, canonical_json},
};

/// How often a job is tried before people must look.
const TRIES: i32 = 12;

/// What a decision needs to become rows.
pub(super) struct Decided<'decision> {
    /// The change before; none when it is being filed.
    pub(super) before: Option<&'decision Loaded>,
    /// The catalog that holds; none before the first.
    pub(super) catalog: Option<Digest>,
    /// The rules that it follows from now on.
    pub(super) rules: &'static Definition,
    /// What happens to it.
    pub(super) events: Vec<Event>,
    /// Who.
    pub(super) actor: &'decision Actor,
    /// The command's key.
    pub(super) key: &'decision str,
    /// What was asked, for repeats.
    pub(super) payload: Digest,
    /// Texts.
    pub(super) notes: &'decision [Note],
    /// How long things may take.
    pub(super) terms: &'decision Terms,
    /// When.
    pub(super) at: DateTime<Utc>,
}

/// What comes of a decision.
pub(super) struct Written {
    /// To be made durable.
    pub(super) commit: Commit,
    /// The answer to whoever asked.
    pub(super) outcome: Outcome,
    /// The change as it is afterwards.
    pub(super) after: Loaded,
}

impl Engine {
    /// The rows of a decision.
    pub(super) fn rows(&self, decided: &Decided<'_>) -> Result<Written, StoreError> {
        let at = decided.at;
        let mut change = decided.before.map(|loaded| loaded.change.clone());
        let mut head = decided.before.map_or(Digest([0; 32]), |loaded| loaded.head);
        let (mut events, mut jobs) = (Vec::new(), Vec::<JobRow>::new());
        let mut votes = Vec::new();
        for event in &decided.events {
            votes.extend(vote_rows(event, change.as_ref()));
            let after = machine::evolve(change.take(), event, at)
                .ok_or_else(|| StoreError::Corrupt("a change must begin with `filed`".to_owned()))?;
            let row = event_row(event, &after, decided, head)?;
            head = row.hash;
            events.push(row);
            for effect in (decided.rules.react)(event, &after, decided.terms, at) {
                // A card shows the change as the commit left it: the first one says it all.
                if effect == Effect::RefreshCard && jobs.iter().any(|job| job.kind == effect.kind()) {
                    continue;
                }
                jobs.push(self.job_row(&effect, &after, at)?);
            }
            change = Some(after);
        }
        let change = change.ok_or_else(|| StoreError::Corrupt("a command without events".to_owned()))?;
        let version = decided.before.map_or(0, |loaded| loaded.version) + 1;
        let outcome = Outcome {
            change: change.id.clone(),
            number: change.number,
            state: change.state,
            revision: change.revision,
            version,
            events: events
                .iter()
                .map(|row| u32::try_from(row.n).unwrap_or_default())
                .collect(),
            repeated: false,
        };
        let commit = Commit {
            change: change_row(&change, decided.rules, head, version)?,
            expected_version: decided.before.map(|loaded| loaded.version),
            expected_catalog: decided.catalog,
            command: CommandRow {
                key: decided.key.to_owned(),
                payload_sha256: decided.payload,
                result: serde_json::to_string(&outcome)?,
            },
            events,
            jobs,
            votes,
            notes: note_rows(decided),
            completes: None,
            live_route: live_route(&decided.events, &change)?,
            at,
        };
        let after = Loaded {
            change,
            version,
            definition_version: decided.rules.version,
            head,
        };
        Ok(Written {
            commit,
            outcome,
            after,
        })
    }

    fn job_row(&self, effect: &Effect, change: &Change, at: DateTime<Utc>) -> Result<JobRow, StoreError> {
        let kind = effect.kind();
        let speaks = matches!(
            effect,
            Effect::RefreshCard | Effect::Announce { .. } | Effect::NotifyApprovers { .. }
        );
        Ok(JobRow {
            id: JobId(self.clock.new_id().to_string()),
            event_n: i32::try_from(change.events).unwrap_or(i32::MAX),
            kind,
            lane: match effect {
                // A resumed test waits for the end of the one that was paused: nothing is asked or paid twice.
                Effect::RunTest { .. } => Some(format!("test:{}", change.id)),
                // A gateway has no compare-and-swap: what is written for one workflow is written one after the other.
                Effect::ApplyRoute { .. } | Effect::RestoreRoute { .. } => {
                    Some(format!("gateway:{}", change.workflow))
                }
                // What is said in one thread is said in order.
                _ => speaks.then(|| format!("thread:{}", change.id)),
            },
            dedup: None,
            payload: serde_json::to_string(effect)?,
            due_at: effect.due_at().unwrap_or(at).timestamp_millis(),
            max_attempts: TRIES,
        })
    }
}

fn event_row(
    event: &Event,
    after: &Change,
    decided: &Decided<'_>,
    previous: Digest,
) -> Result<EventRow, StoreError> {
    let body = canonical_json(&Envelope {
        change: after.id.clone(),
        n: after.events,
        at: decided.at.timestamp_millis(),
        actor: decided.actor.to_string(),
        event: event.clone(),
    })?;
    if body.len() > MAX_ENTRY {
        let name = event.name();
        return Err(StoreError::Refused(format!(
            "a {name} event of {} bytes does not fit the ledger",
            body.len()
        )));
    }
    Ok(EventRow {
        n: i32::try_from(after.events).unwrap_or(i32::MAX),
        kind: event.name(),
        actor: decided.actor.to_string(),
        hash: chained(previous, &body),
        prev_hash: previous,
        body,
    })
}

fn change_row(
    change: &Change,
    rules: &Definition,
    head: Digest,
    version: i64,
) -> Result<ChangeRow, StoreError> {
    Ok(ChangeRow {
        id: change.id.clone(),
        number: i64::try_from(change.number.0).unwrap_or(i64::MAX),
        workflow: change.workflow.0.clone(),
        requester: change.requester.0.clone(),
        state: change.state.as_str(),
        version,
        revision: i32::try_from(change.revision.0).unwrap_or(i32::MAX),
        event_n: i32::try_from(change.events).unwrap_or(i32::MAX),
        definition_version: i32::try_from(rules.version).unwrap_or(i32::MAX),
        head_hash: head,
        deadline_at: change.deadline_at.map(|at| at.timestamp_millis()),
        filed_at: change.filed_at.timestamp_millis(),
        body: serde_json::to_string(change)?,
    })
}

/// Votes that now count: a cast one, or those that a new packet carried over.
fn vote_rows(event: &Event, before: Option<&Change>) -> Vec<VoteRow> {
    let row = |role: crate::values::Role, seat: usize, vote: &crate::change::slots::Vote| VoteRow {
        revision: i32::try_from(vote.revision.0).unwrap_or(i32::MAX),
        slot: role.as_str(),
        seat: i32::try_from(seat).unwrap_or(i32::MAX),
        approver: vote.by.0.clone(),
        packet_sha256: vote.packet,
    };
    match event {
        Event::VoteCast { role, vote } => {
            let seat = before
                .and_then(|change| change.slots.iter().find(|slot| slot.role == *role))
                .map_or(0, |slot| slot.votes.len());
            vec![row(*role, seat, vote)]
        }
        Event::PacketSealed { slots, .. } => slots
            .iter()
            .flat_map(|slot| {
                slot.votes
                    .iter()
                    .enumerate()
                    .map(|(seat, vote)| row(slot.role, seat, vote))
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn note_rows(decided: &Decided<'_>) -> Vec<NoteRow> {
    decided
        .notes
        .iter()
        .map(|note| NoteRow {
            id: note.reference.id.clone(),
            author: decided.actor.to_string(),
            salt: note.salt.to_vec(),
            body: note.text.clone(),
        })
        .collect()
}

/// The candidate serves once the gateway has it; the baseline serves again once it is restored.
fn live_route(events: &[Event], change: &Change) -> Result<Option<LiveRoute>, StoreError> {
    for event in events {
        let (route, generation) = match event {
            Event::Applied { generation, .. } => (&change.candidate, *generation),
            Event::Restored { generation } => (&change.baseline, *generation),
            _ => continue,
        };
        return Ok(Some(LiveRoute {
            route: serde_json::to_string(route)?,
            generation: i64::try_from(generation).unwrap_or(i64::MAX),
        }));
    }
    Ok(None)
}

/// What was asked, for telling a repeat from another command under the same key. Texts count by their words: a
/// repeat has other salts and note ids.
pub(super) fn payload_digest(request: &Request) -> Result<Digest, StoreError> {
    let mut json = serde_json::to_string(&request.command)?;
    for note in &request.notes {
        let words = Digest::of(note.text.as_bytes()).to_string();
        json = json
            .replace(&note.reference.id, &words)
            .replace(&note.reference.commitment.to_string(), &words);
    }
    Ok(Digest::of(
        format!("{}\n{}\n{json}", request.actor, request.change).as_bytes(),
    ))
}

//! One person's decision: a yes, a no, a concern, a question, a recusal.

use super::{
    command::{Ballot, Grade},
    duties::{may_decide, slot_of},
    event::Event,
    machine::person,
    refusal::{Facts, Refusal, RefusalCode},
    review::followed_by_approval,
    slots::{Concern, Question, Slot, Vote},
    state::{Change, NoteRef},
};
use crate::values::{Digest, PersonId};

/// What a ballot makes happen while the packet is out.
pub(super) fn vote(change: &Change, ballot: &Ballot, facts: &Facts) -> Result<Vec<Event>, Refusal> {
    let by = person(facts)?;
    let packet = is_current(change, ballot)?;
    may_decide(change, &by, facts)?;
    let (slot, for_whom) = slot_of(change, ballot.role, &by, facts)?;
    let role = slot.role;
    match &ballot.grade {
        Grade::Approve => agree(change, slot, for_whom, ballot, packet, facts),
        Grade::ApproveWithConditions(_) => agree(change, slot, for_whom, ballot, packet, facts),
        Grade::RaiseConcern => Ok(vec![Event::ConcernRaised(Concern {
            number: next_number(change.concerns.len()),
            by,
            role,
            note: needed(ballot, "Say what has to be settled first.")?,
            resolved: false,
        })]),
        Grade::AskForInformation => Ok(vec![Event::InformationAsked(Question {
            number: next_number(change.questions.len()),
            by,
            note: needed(ballot, "Say what you need to know.")?,
            at: facts.now,
            answered: false,
        })]),
        Grade::Deny => Ok(vec![Event::Rejected {
            role,
            by,
            note: needed(
                ballot,
                "Say why, so that the requester knows what would change your mind.",
            )?,
        }]),
        Grade::Recuse => Ok(vec![Event::Recused { role, by }]),
    }
}

/// A yes; with the approval behind it if it was the last one that was missing.
#[expect(
    clippy::too_many_arguments,
    reason = "the parts of one vote, all found by `vote`"
)]
fn agree(
    change: &Change,
    slot: &Slot,
    for_whom: Option<PersonId>,
    ballot: &Ballot,
    packet: Digest,
    facts: &Facts,
) -> Result<Vec<Event>, Refusal> {
    let by = person(facts)?;
    let counts = |vote: &&Vote| vote.revision == change.revision && vote.packet == packet;
    if let Some((filled, _)) = change
        .slots
        .iter()
        .flat_map(|slot| slot.votes.iter().filter(counts).map(move |vote| (slot, vote)))
        .find(|(_, vote)| vote.by == by || (for_whom.is_some() && Some(&vote.by) == for_whom.as_ref()))
    {
        return Err(if filled.role == slot.role {
            Refusal::new(
                RefusalCode::AlreadyVoted,
                "Your approval is recorded already; nothing more to do.",
            )
        } else {
            Refusal::new(
                RefusalCode::OneSlotEach,
                format!(
                    "You already decided for {}. One person fills one slot, so somebody else must decide for {}.",
                    filled.role.title(),
                    slot.role.title()
                ),
            )
        });
    }
    let conditions = match &ballot.grade {
        Grade::ApproveWithConditions(conditions) => Some(conditions.clone()),
        _ => None,
    };
    let cast = Event::VoteCast {
        role: slot.role,
        vote: Vote {
            by,
            for_whom,
            revision: ballot.revision,
            packet: ballot.packet,
            conditions,
            note: ballot.note.clone(),
            at: facts.now,
        },
    };
    Ok(followed_by_approval(change, cast, facts))
}

/// A vote names the edition and the packet it is about.
fn is_current(change: &Change, ballot: &Ballot) -> Result<Digest, Refusal> {
    match change.packet {
        Some(packet) if packet == ballot.packet && ballot.revision == change.revision => Ok(packet),
        packet => Err(Refusal::stale(change.revision, packet)),
    }
}

fn needed(ballot: &Ballot, sentence: &str) -> Result<NoteRef, Refusal> {
    ballot
        .note
        .clone()
        .ok_or_else(|| Refusal::new(RefusalCode::ReasonNeeded, sentence))
}

fn next_number(have: usize) -> u32 {
    u32::try_from(have).unwrap_or(u32::MAX - 1) + 1
}

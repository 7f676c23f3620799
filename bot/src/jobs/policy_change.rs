//! A change of the policy on its way: nothing to replay, reviewed, put in force once approved.

use chrono::{DateTime, TimeDelta, Utc};
use workflow_engine::{
    approval::{Case, policy_matrix},
    catalog::{Catalog, RiskTier},
    change::{
        command::Command,
        slots::Slot,
        state::{Assessment, Change},
    },
    engine::{Engine, catalog::ApplyError, jobs::JobError},
    evidence::{
        dsse::Envelope,
        policy_packet::{Contents, PolicyPacket},
    },
    ledger::key::SigningKey,
    policy::{
        Decision, Rulebook,
        change::{PolicyParts, Review, digest_of, edition},
    },
    store,
    values::Digest,
};

use super::subject::Subject;

/// What is proposed, and what it would decide differently.
struct Reviewed {
    parts: PolicyParts,
    review: Review,
    decision: Decision,
}

/// After submit: nothing leaves the company, so there is nothing to admit and nothing to test.
pub(super) async fn admit(engine: &Engine, subject: &Subject) -> Result<Command, JobError> {
    let reviewed = reviewed(engine, subject).await?;
    let decision = keep(engine, subject, &reviewed.decision).await?;
    Ok(Command::WaiveTest { decision })
}

/// The sealed packet, and who must agree.
pub(super) async fn assess(
    engine: &Engine,
    subject: &Subject,
    key: &SigningKey,
) -> Result<Command, JobError> {
    let reviewed = reviewed(engine, subject).await?;
    let (_, now) = engine.catalog().await?;
    // Who may decide is asked of the catalog as it stands now; who must, of the one at submit.
    let people = Catalog {
        approval: subject.catalog.approval.clone(),
        ..Catalog::clone(&now)
    };
    let change = &subject.change;
    let case = Case {
        requester: &change.requester,
        co_authors: &change.co_authors,
        now: subject.now,
    };
    let who = policy_matrix(&people, &case);
    let slots = who.as_deref().unwrap_or_default();
    let packet = PolicyPacket::of(Contents {
        change,
        before: PolicyParts::of(&now).digest(),
        proposed: &reviewed.parts,
        review: &reviewed.review,
        decision: &reviewed.decision,
        slots,
        sealed_at: subject.now,
    });
    let statement = packet.statement().map_err(JobError::permanent)?;
    let envelope = Envelope::seal(statement.to_payload().map_err(JobError::permanent)?, key);
    let at = subject.now.timestamp_millis();
    let digest = store::packets::insert(engine.db(), &change.id, change.revision, &envelope, at).await?;
    let assessment = Assessment {
        tier: RiskTier::Critical,
        decision: keep(engine, subject, &reviewed.decision).await?,
        controls: reviewed.decision.determining.clone(),
    };
    Ok(match &who {
        Err(unfillable) => Command::Deny {
            assessment,
            packet: digest,
            why: unfillable.to_string(),
        },
        Ok(who) => Command::Permit {
            assessment,
            packet: digest,
            slots: who
                .iter()
                .map(|slot| Slot {
                    role: slot.role,
                    group: slot.group.clone(),
                    needed: slot.needed,
                    eligible: slot.eligible.clone(),
                    escalation: slot.escalation.clone(),
                    escalated: false,
                    inputs: packet.inputs(),
                    keep_votes: false,
                    votes: Vec::new(),
                    recused: std::collections::BTreeSet::new(),
                })
                .collect(),
            deadline_at: deadline(subject),
        },
    })
}

fn deadline(subject: &Subject) -> DateTime<Utc> {
    subject.now + TimeDelta::hours(subject.catalog.approval.deadline_hours)
}

/// The approved policy in force.
pub(super) async fn apply(engine: &Engine, change: &Change, generation: u64) -> Result<Command, JobError> {
    match engine.put_policy_in_force(change, false).await {
        Ok(()) => Ok(Command::ConfirmApplied {
            generation,
            read_back: Some(change.candidate.digest()),
        }),
        Err(ApplyError::Store(error)) => Err(error.into()),
        Err(refused) => Ok(Command::FailApply {
            why: format!("{refused}."),
        }),
    }
}

/// Whether the policy in force is the approved one; else what it is.
pub(super) async fn in_force(engine: &Engine, change: &Change) -> Result<Result<(), String>, JobError> {
    let (_, catalog) = engine.catalog().await?;
    let now = PolicyParts::of(&catalog).digest();
    Ok(match edition(now).digest() == change.candidate.digest() {
        true => Ok(()),
        false => Err(format!(
            "The policy in force is {}, not the approved one; another catalog was applied since.",
            now.short()
        )),
    })
}

/// The policy before it back in force.
pub(super) async fn restore(engine: &Engine, change: &Change, generation: u64) -> Result<Command, JobError> {
    match engine.put_policy_in_force(change, true).await {
        Ok(()) => Ok(Command::ConfirmRestored { generation }),
        Err(ApplyError::Store(error)) => Err(error.into()),
        Err(refused) => Err(JobError::permanent(refused)),
    }
}

async fn reviewed(engine: &Engine, subject: &Subject) -> Result<Reviewed, JobError> {
    let wanted = digest_of(&subject.change.candidate)
        .ok_or_else(|| JobError::permanent("not an edition of the policy"))?;
    let after = engine.with_edition(wanted).await?;
    let review = engine.policy_review(&after).await?;
    let decision = Rulebook::new(&after).reviewed(&review, subject.today);
    Ok(Reviewed {
        parts: PolicyParts::of(&after),
        review,
        decision,
    })
}

async fn keep(engine: &Engine, subject: &Subject, decision: &Decision) -> Result<Digest, JobError> {
    let at = subject.now.timestamp_millis();
    Ok(store::decisions::insert(engine.db(), &subject.change.id, decision, at).await?)
}

//! One change request from filing to approval: seven committed transitions.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use workflow_engine::{
    catalog::RiskTier,
    change::{
        command::{Ballot, Command, Grade},
        slots::Slot,
        state::{Assessment, TestVerdict},
    },
    engine::{Engine, Request, file::Filing},
    values::{Actor, ChangeNumber, Digest, PersonId, Revision, Role, RunId, WorkflowId},
};

/// Filed and submitted, admitted, plan frozen, evidence, packet, two votes.
pub(super) const TRANSITIONS: u32 = 7;

/// Takes a change of its own, called `name`, through them; each one's duration goes to `latencies`.
pub(super) async fn run(engine: &Engine, name: &str, latencies: &mut Vec<Duration>) -> anyhow::Result<()> {
    let begun = Instant::now();
    let filed = engine.file(filing(format!("{name}:file"))).await?;
    latencies.push(begun.elapsed());
    let packet = Digest::of(filed.number.to_string().as_bytes());
    for (step, (actor, command)) in steps(packet).into_iter().enumerate() {
        let begun = Instant::now();
        engine
            .handle(request(actor, format!("{name}:{step}"), filed.number, command))
            .await?;
        latencies.push(begun.elapsed());
    }
    Ok(())
}

fn steps(packet: Digest) -> Vec<(Actor, Command)> {
    let service = || Actor::Service("bench".to_owned());
    let run = RunId::from("bench");
    let vote = |person: &str| {
        let ballot = Ballot {
            role: None,
            revision: Revision(1),
            packet,
            grade: Grade::Approve,
            note: None,
        };
        (Actor::Person(PersonId::from(person)), Command::Vote(ballot))
    };
    vec![
        (service(), Command::Admit { decision: packet }),
        (
            service(),
            Command::FreezePlan {
                plan: packet,
                run: run.clone(),
            },
        ),
        (
            service(),
            Command::SubmitEvidence {
                run,
                verdict: TestVerdict {
                    outcome: "eligible".to_owned(),
                    report: packet,
                },
            },
        ),
        (
            service(),
            Command::Permit {
                assessment: Assessment {
                    tier: RiskTier::Standard,
                    decision: packet,
                    controls: Vec::new(),
                },
                packet,
                slots: vec![slot(Role::Platform, "ana"), slot(Role::Finance, "tomas")],
                deadline_at: chrono::DateTime::<chrono::Utc>::MAX_UTC,
            },
        ),
        vote("ana"),
        vote("tomas"),
    ]
}

fn slot(role: Role, person: &str) -> Slot {
    Slot {
        role,
        group: format!("{}-approvers", role.as_str()),
        needed: 1,
        eligible: BTreeSet::from([PersonId::from(person)]),
        escalation: BTreeSet::new(),
        escalated: false,
        inputs: Digest::of(role.as_str().as_bytes()),
        keep_votes: false,
        votes: Vec::new(),
        recused: BTreeSet::new(),
    }
}

fn filing(key: String) -> Filing {
    Filing {
        requester: PersonId::from("maya"),
        key,
        workflow: WorkflowId::from("support-answer"),
        candidate: "candidate".to_owned(),
        claims_savings: false,
        co_authors: BTreeSet::new(),
        reason: None,
        cites: None,
        submit: true,
    }
}

fn request(actor: Actor, key: String, change: ChangeNumber, command: Command) -> Request {
    Request {
        actor,
        key,
        change,
        command,
        notes: Vec::new(),
        completes: None,
    }
}

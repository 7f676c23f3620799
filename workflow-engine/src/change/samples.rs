//! One change in each state and one command of each shape: what the diagram and the exhaustive tests run the machine on.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};

use super::{
    attached::{Attached, Format},
    command::{Ballot, Command, Grade, Proposal},
    event::Event,
    machine::{decide, evolve},
    refusal::{Facts, Terms},
    slots::{Conditions, Slot},
    state::{Assessment, Change, NoteRef, State, TestVerdict},
};
use crate::{
    catalog::RiskTier,
    shadow::statistics::paired_binary::Counts,
    values::{Actor, ChangeId, ChangeNumber, Digest, Hop, JobId, PersonId, Role, Route, RunId, WorkflowId},
};

/// The requester, one approver for each role, and somebody for emergencies.
pub(super) const PEOPLE: [&str; 5] = ["maya", "ana", "priya", "tomas", "noor"];

/// A change in every state, each reached through the machine itself. Where one vote is missing, it is finance's.
pub(super) fn changes() -> Vec<Change> {
    let draft = filed();
    let submitted = then(&draft, &Command::Submit, "maya");
    let testing = then(
        &submitted,
        &Command::Admit {
            decision: digest("d"),
        },
        "",
    );
    let frozen = then(&testing, &freeze(), "");
    let checking = then(&frozen, &evidence(), "");
    let review = then(&checking, &permit(), "");
    let one = then(&review, &vote(&review, Grade::Approve), "ana");
    let two = then(&one, &vote(&one, Grade::Approve), "priya");
    let approved = then(&two, &vote(&two, Grade::Approve), "tomas");
    let applying = then(&approved, &Command::Apply { by_hand: false }, "");
    let failed = then(
        &applying,
        &Command::FailApply {
            why: "refused".to_owned(),
        },
        "",
    );
    let verifying = then(&applying, &confirm(&applying), "");
    let emergency = then(&review, &Command::BreakGlass { reason: note() }, "noor");
    let mut all = vec![
        draft, submitted, testing, frozen, checking, review, two, approved, applying, failed, verifying,
        emergency,
    ];
    let ends: Vec<Change> = all
        .iter()
        .flat_map(|change| commands(change).into_iter().map(move |command| (change, command)))
        .flat_map(|(change, command)| {
            facts()
                .into_iter()
                .filter_map(move |facts| try_then(change, &command, &facts))
        })
        .filter(|change| change.state.is_final())
        .collect();
    for state in State::ALL {
        all.extend(ends.iter().find(|change| change.state == state).cloned());
    }
    all
}

/// One command of each shape, as it fits `change`.
pub(super) fn commands(change: &Change) -> Vec<Command> {
    [
        on_the_way(),
        votes(change),
        in_review(change),
        at_the_gateway(change),
    ]
    .concat()
}

fn on_the_way() -> Vec<Command> {
    vec![
        Command::Edit(proposal()),
        Command::Submit,
        Command::Admit {
            decision: digest("d"),
        },
        Command::WaiveTest {
            decision: digest("d"),
        },
        Command::RefuseAdmission {
            decision: digest("d"),
            controls: vec!["GOV-DAT-03".to_owned()],
            why: "The data may not leave the EU.".to_owned(),
        },
        freeze(),
        Command::PauseTest,
        Command::ResumeTest,
        evidence(),
        Command::FailTest {
            why: "no recorded calls".to_owned(),
        },
        permit(),
        Command::Deny {
            assessment: assessment(),
            packet: digest("packet"),
            why: "One kind of request is clearly worse.".to_owned(),
        },
    ]
}

fn votes(change: &Change) -> Vec<Command> {
    [
        Grade::Approve,
        Grade::ApproveWithConditions(Conditions {
            canary_percent: Some(10),
            monthly_cap_usd: None,
            expires_days: None,
        }),
        Grade::RaiseConcern,
        Grade::AskForInformation,
        Grade::Deny,
        Grade::Recuse,
    ]
    .map(|grade| vote(change, grade))
    .to_vec()
}

fn in_review(change: &Change) -> Vec<Command> {
    let revision = change.revision;
    vec![
        Command::ResolveConcern { number: 1 },
        Command::Answer {
            number: 1,
            note: note(),
        },
        Command::Delegate {
            role: Role::Finance,
            to: PersonId::from("noor"),
            until: start() + Duration::days(90),
        },
        Command::Revise(proposal()),
        Command::Withdraw,
        Command::Comment { note: note() },
        Command::AttachEvidence(Attached {
            sha256: Digest::of(b"file"),
            pairs_sha256: Digest::of(b"pairs"),
            format: Format::Promptfoo,
            counts: Counts::of([(true, true), (true, false)]),
            unpaired: 0,
            models: None,
        }),
        Command::RecordViewing {
            run: RunId::from("run"),
            traces: 10,
        },
        Command::RecordErasure {
            run: RunId::from("run"),
        },
        Command::Remind { revision },
        Command::Escalate { revision },
        Command::Expire { revision },
        Command::BreakGlass { reason: note() },
    ]
}

fn at_the_gateway(change: &Change) -> Vec<Command> {
    vec![
        Command::ReviewBreakGlass {
            accept: true,
            note: note(),
        },
        Command::ReviewBreakGlass {
            accept: false,
            note: note(),
        },
        Command::Apply { by_hand: false },
        Command::Revoke { note: note() },
        confirm(change),
        Command::FailApply {
            why: "refused".to_owned(),
        },
        Command::RetryApply,
        Command::ConfirmVerified { calls_seen: 12 },
        Command::ReportMismatch {
            why: "another model answers".to_owned(),
        },
        Command::RollBack { note: Some(note()) },
        Command::ConfirmRestored {
            generation: generation(change),
        },
        Command::ReportDeadJob {
            kind: "refresh_card".to_owned(),
            why: "the channel is gone".to_owned(),
        },
        Command::SendJobAgain {
            id: JobId::from("0198"),
            kind: "refresh_card".to_owned(),
        },
        Command::Migrate { from: 1, to: 2 },
    ]
}

/// The service and each person, now and after every deadline.
pub(super) fn facts() -> Vec<Facts> {
    let late = start() + Duration::days(60);
    let mut all = vec![facts_of("", start()), facts_of("", late)];
    all.extend(PEOPLE.iter().map(|person| facts_of(person, start())));
    all
}

/// Facts for `person`, or for the service when the name is empty.
pub(super) fn facts_of(person: &str, now: DateTime<Utc>) -> Facts {
    let roles = match person {
        "ana" => vec![Role::Platform],
        "priya" => vec![Role::Security],
        "tomas" => vec![Role::Finance],
        "noor" => vec![Role::BreakGlass],
        _ => Vec::new(),
    };
    Facts {
        actor: match person {
            "" => Actor::Service("job".to_owned()),
            person => Actor::Person(PersonId::from(person)),
        },
        now,
        roles,
        barred: BTreeMap::new(),
        catalog: digest("catalog"),
        live_route: Some(proposal().baseline.digest()),
        next_generation: 7,
        terms: Terms {
            approval_days: 14,
            break_glass_hours: 24,
            remind_hours: 24,
            escalate_hours: 48,
            apply_when_approved: true,
        },
    }
}

#[expect(clippy::expect_used, reason = "`evolve` begins a change with `filed`")]
pub(super) fn filed() -> Change {
    let event = filed_event();
    evolve(None, &event, start()).expect("`filed` begins a change")
}

pub(super) fn filed_event() -> Event {
    Event::Filed {
        id: ChangeId::from("0197"),
        number: ChangeNumber(142),
        workflow: WorkflowId::from("support-answer"),
        requester: PersonId::from("maya"),
        proposal: proposal(),
        cites: None,
    }
}

pub(super) fn vote(change: &Change, grade: Grade) -> Command {
    Command::Vote(Ballot {
        role: None,
        revision: change.revision,
        packet: change.packet.unwrap_or_else(|| digest("none")),
        note: Some(note()),
        grade,
    })
}

pub(super) fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000, 0).unwrap_or_default()
}

fn then(change: &Change, command: &Command, person: &str) -> Change {
    try_then(change, command, &facts_of(person, start())).unwrap_or_else(|| change.clone())
}

pub(super) fn try_then(change: &Change, command: &Command, facts: &Facts) -> Option<Change> {
    decide(change, command, facts)
        .ok()?
        .iter()
        .try_fold(change.clone(), |change, event| {
            evolve(Some(change), event, facts.now)
        })
}

fn freeze() -> Command {
    Command::FreezePlan {
        plan: digest("plan"),
        run: RunId::from("run"),
    }
}

fn evidence() -> Command {
    Command::SubmitEvidence {
        run: RunId::from("run"),
        verdict: TestVerdict {
            outcome: "eligible".to_owned(),
            report: digest("report"),
        },
    }
}

fn permit() -> Command {
    Command::Permit {
        assessment: assessment(),
        packet: digest("packet"),
        slots: vec![
            slot(Role::Platform, "ana"),
            slot(Role::Security, "priya"),
            slot(Role::Finance, "tomas"),
        ],
        deadline_at: start() + Duration::hours(72),
    }
}

fn confirm(change: &Change) -> Command {
    Command::ConfirmApplied {
        generation: generation(change),
        read_back: None,
    }
}

fn generation(change: &Change) -> u64 {
    change.application.as_ref().map_or(0, |it| it.generation)
}

fn slot(role: Role, person: &str) -> Slot {
    Slot {
        role,
        group: format!("{}-approvers", role.as_str()),
        needed: 1,
        eligible: BTreeSet::from([PersonId::from(person)]),
        escalation: BTreeSet::from([PersonId::from("noor")]),
        escalated: false,
        inputs: digest(role.as_str()),
        keep_votes: role == Role::Security,
        votes: Vec::new(),
        recused: BTreeSet::new(),
    }
}

fn assessment() -> Assessment {
    Assessment {
        tier: RiskTier::Standard,
        decision: digest("decision"),
        controls: Vec::new(),
    }
}

fn proposal() -> Proposal {
    let route = |id: &str, model: &str| Route {
        id: id.to_owned(),
        primary: Hop {
            provider: "openai".to_owned(),
            model: model.to_owned(),
            region: None,
            deployment: None,
            parameters: BTreeMap::new(),
        },
        fallbacks: Vec::new(),
    };
    Proposal {
        candidate: route("gpt-4o-0806", "gpt-4o-2024-08-06"),
        baseline: route("gpt-4o-0513", "gpt-4o-2024-05-13"),
        claims_savings: true,
        co_authors: BTreeSet::new(),
        reason: None,
    }
}

fn note() -> NoteRef {
    NoteRef {
        id: "note".to_owned(),
        commitment: digest("note"),
    }
}

fn digest(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

//! Built-in samples of every message and form, for `governor chat preview`. Figures: BFCL runs, see the demo's sources.

use chrono::{DateTime, Duration, Utc};
use workflow_engine::{
    catalog::Catalog,
    change::{
        event::Event,
        slots::{Concern, Vote},
        state::{NoteRef, State},
    },
    ports::chat::{Card, Form, Text, Tone},
    values::{ChangeNumber, Digest, PersonId, Revision, Role},
};

use super::{
    asked, evidence, forms, home,
    replies::{self, Told},
    root,
    view::{ChangeView, Evidence, Progress, SlotView, Verdict, VoteView},
};

/// A message or a form with its name.
pub enum Sample {
    /// A message.
    Card(&'static str, Card),
    /// A form.
    Form(&'static str, Form),
}

/// Every message and form that the bot can post.
#[must_use]
pub fn all(catalog: &Catalog) -> Vec<Sample> {
    let mut samples = roots();
    let waiting = awaiting();
    samples.extend(evidence::card(&waiting).map(|card| Sample::Card("evidence", card)));
    samples.push(Sample::Card("asked", asked::card(&waiting, &waiting.slots[1])));
    samples.push(Sample::Card(
        "reminder",
        asked::reminder(&waiting, &waiting.slots[1]),
    ));
    samples.extend(said());
    let line = home::Line {
        number: "#142".to_owned(),
        workflow: "support-answer".to_owned(),
        status: "Awaiting approval".to_owned(),
        link: waiting.link.clone(),
    };
    samples.push(Sample::Card("home", home::card(std::slice::from_ref(&line), &[])));
    samples.push(Sample::Card(
        "help",
        Card::line(Tone::Progress, crate::commands::help_text("/route")),
    ));
    let stale = "What you saw has changed since: it is now revision 2 (awaiting approval). Maya O. revised it at 14:02 UTC to gpt-4o-0806. Nothing was recorded. Look at the card as it is now, then decide.";
    samples.push(Sample::Card(
        "whisper-stale",
        Card::line(Tone::Progress, Text::from(stale)),
    ));
    let context = "v1.142.2.7c1e0f5a9b3d4c21.0123456789abcdef0123456789abcdef";
    samples.push(Sample::Form("file", forms::file(catalog, None, context)));
    samples.push(Sample::Form("deny", forms::deny("#142", context)));
    samples.push(Sample::Form("concern", forms::concern("#142", context)));
    samples.push(Sample::Form("approve-if", forms::approve_if("#142", context)));
    samples.push(Sample::Form("withdraw", forms::withdraw("#142", context)));
    samples.push(Sample::Form("revoke", forms::revoke("#142", context)));
    samples
}

fn at(minutes: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_442_400, 0).unwrap_or_default() + Duration::minutes(minutes)
}

/// Root cards, one a state that reads differently.
fn roots() -> Vec<Sample> {
    let mut testing = awaiting();
    testing.state = State::ShadowTesting;
    (testing.evidence, testing.slots, testing.deadline, testing.packet) = (None, Vec::new(), None, None);
    testing.progress = Some(Progress {
        done: 412,
        total: 2_480,
        spent: "$3.10 of at most $20".to_owned(),
        minutes_left: Some(6),
        paused: false,
    });
    let mut submitted = testing.clone();
    submitted.state = State::Submitted;
    submitted.progress = None;
    let mut denied = awaiting();
    denied.state = State::Rejected;
    denied.slots[2].votes.clear();
    denied.remark = Some("Denied by Tomás L. for Finance: “measured cost is 2.1 times today's”".to_owned());
    let mut done = awaiting();
    done.state = State::Completed;
    done.slots[1].votes = vec![vote("Priya N.", 12, None, 816)];
    done.slots[3].votes = vec![vote("Wei C.", 15, None, 817)];
    done.remark = Some("Verified: 1,284 calls seen on the new route.".to_owned());
    vec![
        Sample::Card("root-submitted", root::card(&submitted)),
        Sample::Card("root-testing", root::card(&testing)),
        Sample::Card("root-awaiting", root::card(&awaiting())),
        Sample::Card("root-not-eligible", root::card(&not_eligible())),
        Sample::Card("root-denied", root::card(&denied)),
        Sample::Card("root-completed", root::card(&done)),
    ]
}

fn slot(role: Role, group: &str, why: Option<&str>, votes: Vec<VoteView>) -> SlotView {
    SlotView {
        role,
        group: group.to_owned(),
        asked: if role == Role::Owner {
            "Wei C.".to_owned()
        } else {
            format!("anyone in @{group}")
        },
        needed: 1,
        votes,
        why: why.map(str::to_owned),
        concerns: vec!["Data class Confidential.".to_owned()],
    }
}

fn vote(by: &str, minutes: i64, conditions: Option<&str>, recorded: u64) -> VoteView {
    VoteView {
        by: by.to_owned(),
        for_whom: None,
        conditions: conditions.map(str::to_owned),
        at: at(minutes),
        recorded: Some(recorded),
    }
}

/// A change that waits for two of four.
#[must_use]
pub fn awaiting() -> ChangeView {
    let kind = |name: &str, n: &str, points: &str, between: &str, shows: &str| {
        [name, n, points, between, shows].map(str::to_owned)
    };
    ChangeView {
        number: ChangeNumber(142),
        workflow: "support-answer".to_owned(),
        revision: 2,
        state: State::AwaitingApproval,
        requester: "Maya O.".to_owned(),
        what: "Move from gpt-4o (2024-05-13) to gpt-4o (2024-08-06), all traffic, fallback unchanged.".to_owned(),
        reason: Some("The August model costs half as much".to_owned()),
        evidence: Some(Evidence {
            verdict: Some(Verdict::Eligible),
            said: vec!["On 1,240 replayed calls it answered better (+3.8 points, between +2.4 and +5.3), in every kind of request, and costs 43 % less (between 42 and 44): about $8,400 a month (at least $8,200).".to_owned()],
            way_out: None,
            cost: Some("costs 43 % less (between 42 and 44)".to_owned()),
            judge: None,
            latency: Some("95 of 100 calls take 4.1 s at most (between 3.8 s and 4.7 s), 4.2 s today".to_owned()),
            kinds: vec![
                kind("relevance: no tool applies", "240", "+2.9", "−0.2 to +6.4", "fine"),
                kind("simple", "400", "+2.0", "−0.4 to +4.5", "fine"),
            ],
            findings: vec![("Policy".to_owned(), "all 10 controls hold, on every hop".to_owned())],
        }),
        progress: None,
        slots: vec![
            slot(Role::Platform, "platform-approvers", None, vec![vote("Ana R.", 2, None, 811)]),
            slot(Role::Security, "sec-oncall", Some("data class Confidential"), Vec::new()),
            slot(Role::Finance, "finance-approvers", None, vec![vote("Tomás L.", 10, Some("below $25,000 a month"), 814)]),
            slot(Role::Owner, "owner", Some("owns Support answers"), Vec::new()),
        ],
        concerns: Vec::new(),
        questions: Vec::new(),
        deadline: Some(at(3 * 24 * 60)),
        packet: Some("7c1e0f5a…a9".to_owned()),
        remark: None,
        at: at(10),
        recorded: Some(814),
        link: "https://governor.example/changes/142".to_owned(),
        value: "v1.142.2.7c1e0f5a9b3d4c21.0123456789abcdef0123456789abcdef".to_owned(),
    }
}

/// The change that must not pass.
#[must_use]
pub fn not_eligible() -> ChangeView {
    let mut view = awaiting();
    view.number = ChangeNumber(141);
    view.revision = 1;
    view.state = State::PolicyDenied;
    view.what =
        "Move from gpt-4-turbo (2024-04-09) to gpt-4o-mini (2024-07-18), all traffic, fallback unchanged."
            .to_owned();
    (view.slots, view.deadline) = (Vec::new(), None);
    if let Some(evidence) = &mut view.evidence {
        evidence.verdict = Some(Verdict::NotEligible);
        evidence.said = vec![
            "It costs 98 % less.".to_owned(),
            "On average it is no worse than today within 5 points (−1.9 points, between −3.5 and −0.5), yet measurably worse.".to_owned(),
            "It gets one kind of request clearly wrong more often: when no tool applies, in 7.5 of 100 more cases (between 3.6 and 12.1).".to_owned(),
        ];
        view.remark = Some(format!(
            "{} {} Keep today's route when no tool applies, choose another candidate, or have the workflow's entry say that this kind does not decide.",
            evidence.said[1], evidence.said[2]
        ));
        evidence.way_out = Some(
            "keep gpt-4-turbo (2024-04-09) when no tool applies, or accept the risk by policy.".to_owned(),
        );
    }
    view
}

/// Replies in the thread.
fn said() -> Vec<Sample> {
    let note = NoteRef {
        id: "note".to_owned(),
        commitment: Digest([7; 32]),
    };
    let cast = Event::VoteCast {
        role: Role::Platform,
        vote: Vote {
            by: PersonId::from("Ana R."),
            for_whom: None,
            revision: Revision(2),
            packet: Digest([7; 32]),
            conditions: None,
            note: None,
            at: at(2),
        },
    };
    let concern = Event::ConcernRaised(Concern {
        number: 1,
        by: PersonId::from("Priya S."),
        role: Role::Security,
        note: note.clone(),
        resolved: false,
    });
    let rejected = Event::Rejected {
        role: Role::Finance,
        by: PersonId::from("Tomás L."),
        note,
    };
    let told = Told {
        name: &|person| person.to_string(),
        note: &|_| Some("measured cost is 2.1 times today's".to_owned()),
        at: at(2),
        recorded: Some(811),
    };
    let verified = Event::Verified { calls_seen: 1_284 };
    [
        ("reply-approved", cast),
        ("reply-concern", concern),
        ("reply-denied", rejected),
        ("reply-verified", verified),
    ]
    .into_iter()
    .filter_map(|(name, event)| Some(Sample::Card(name, replies::card(&event, &told)?)))
    .collect()
}

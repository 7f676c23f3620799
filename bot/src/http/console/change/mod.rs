//! The change page: should this happen. Verdict, what is asked of the reader, slots, evidence, route, policy, history, proof.

mod actions;
mod ask;
mod course;
pub mod evidence;
pub mod forms;
mod policy;
mod route;
mod slots;
pub mod words;

use axum::{
    extract::{Path, Query, State},
    response::{IntoResponse as _, Response},
};
use serde::{Deserialize, Serialize};
use workflow_engine::{
    change::state::State as ChangeState,
    engine::queries::change::ChangeView,
    evidence::{packet::Packet, sentences},
    shadow::analysis::report::Report,
    values::ChangeNumber,
};

use super::{
    parts::{Badge, Time},
    shell::{Framed, Notice, Shell, Visitor},
};
use crate::http::{problem::Problem, state::AppState};

/// `GET /changes/{number}`.
pub(in crate::http) async fn show(
    State(state): State<AppState>,
    visitor: Visitor,
    Path(number): Path<u64>,
    Query(done): Query<Done>,
) -> Result<Response, Problem> {
    page(&state, &visitor, ChangeNumber(number), done.notice())
        .await
        .map(|page| page.into_response())
}

/// What was just done, so that the page can say that it is recorded.
#[derive(Clone, Debug, Default, Deserialize)]
pub(in crate::http) struct Done {
    #[serde(default)]
    done: Option<String>,
}

impl Done {
    fn notice(&self) -> Option<Notice> {
        let text = match self.done.as_deref()? {
            "filed" => "Recorded. Policy is asked next; nothing has left the company.",
            "votes" => "Your decision is recorded and will be in the ledger within a second.",
            "comments" => "Your comment is recorded. It shows in the thread as well.",
            "answer" => "Your answer is recorded; the clock goes on.",
            "delegate" => "Recorded. They are told, and can decide in your place from now on.",
            "revise" => "Recorded as a new revision; it is tested again, and earlier votes no longer count.",
            "break-glass" => "Approved as an emergency, under your name. Everybody is told; a review is due.",
            "withdraw" => "Withdrawn, and recorded.",
            _ => "Recorded.",
        };
        Some(Notice::good(text))
    }
}

/// The page of one change, with a notice above it.
///
/// # Errors
/// 404 without such a change.
pub(in crate::http) async fn page(
    state: &AppState,
    visitor: &Visitor,
    number: ChangeNumber,
    notice: Option<Notice>,
) -> Result<axum::response::Html<String>, Problem> {
    let view = state.engine.change_view(number).await?;
    let view = view.ok_or_else(|| Problem::not_found("change", number))?;
    let notice = view.frozen.as_deref().map(Notice::bad).or(notice);
    let model = ChangePage::of(&view, visitor, &state.secret())?;
    let shell = Shell::of(state, visitor, &format!("{number} {}", view.workflow), "/changes")
        .await?
        .about(number.0)
        .notice(notice);
    state.pages.render("change", &Framed { shell, page: model })
}

/// All that the template shows.
#[derive(Clone, Debug, Serialize)]
struct ChangePage {
    number: u64,
    workflow: Named,
    revision: u32,
    badge: Badge,
    movement: String,
    headline: String,
    evidence: Vec<String>,
    cautions: Vec<String>,
    requester: String,
    reason: Option<String>,
    filed_at: Time,
    deadline: Option<Time>,
    packet_short: Option<String>,
    packet_sha256: Option<String>,
    steps: Vec<course::Step>,
    progress: Option<course::Progress>,
    ask: Option<ask::Ask>,
    #[serde(flatten)]
    slots: slots::Slots,
    #[serde(flatten)]
    pictures: evidence::Pictures,
    diff: Vec<route::DiffRow>,
    policy: Option<policy::Policy>,
    timeline: Vec<course::TimelineItem>,
    proof: course::Proof,
    #[serde(flatten)]
    actions: actions::Actions,
    comment_key: String,
}

#[derive(Clone, Debug, Serialize)]
struct Named {
    id: String,
    name: String,
}

impl ChangePage {
    /// The page as `visitor` sees it; `key` makes a form that is sent twice record once.
    fn of(view: &ChangeView, visitor: &Visitor, key: &str) -> Result<Self, Problem> {
        let report: Option<Report> = view
            .verdict
            .clone()
            .map(serde_json::from_value)
            .transpose()
            .map_err(|error| Problem::internal(&error))?;
        let entry = visitor.catalog.workflow(view.workflow.as_str());
        let target = entry.and_then(|entry| entry.latency_p95_ms);
        let kinds = entry.map(|entry| entry.strata.words.clone()).unwrap_or_default();
        let monthly = view.packet.as_ref().and_then(|packet| packet.cost.as_ref());
        let asked = ask::roles(view, &visitor.person);
        Ok(Self {
            number: view.number.0,
            workflow: Named {
                id: view.workflow.to_string(),
                name: entry.map_or_else(|| view.workflow.to_string(), |entry| entry.name.clone()),
            },
            revision: view.revision.0,
            badge: Badge::of(view.state, outcome(view)),
            movement: sentences::what(&view.baseline, &view.candidate),
            headline: evidence::headline(view.state, report.as_ref(), &kinds),
            // Without a test the reason why it ended is all the evidence there is.
            evidence: report.as_ref().map_or_else(
                || view.ending.iter().cloned().collect(),
                |report| evidence::sentences(report, &kinds, monthly.map(|cost| cost.now)),
            ),
            cautions: view.packet.as_ref().map(cautions).unwrap_or_default(),
            requester: view.requester.name.clone(),
            reason: view.reason.clone(),
            filed_at: view.filed_at.into(),
            deadline: view
                .deadline_at
                .filter(|_| view.state == ChangeState::AwaitingApproval)
                .map(Time::from),
            packet_short: view.packet_sha256.map(|digest| digest.short()),
            packet_sha256: view.packet_sha256.map(|digest| digest.to_string()),
            steps: course::steps(view),
            progress: course::progress(view),
            ask: ask::Ask::of(view, visitor, &asked, key),
            slots: slots::Slots::of(view, &asked),
            pictures: report
                .as_ref()
                .map(|report| evidence::pictures(report, &kinds, (target, monthly)))
                .unwrap_or_default(),
            diff: route::diff(&view.baseline, &view.candidate),
            policy: view.policy.as_ref().and_then(policy::Policy::read),
            timeline: course::timeline(view, &visitor.catalog),
            proof: course::proof(view),
            actions: actions::Actions::of(view, visitor, &asked, key),
            comment_key: format!("{key}-c"),
        })
    }
}

fn outcome(view: &ChangeView) -> Option<&str> {
    view.verdict.as_ref()?["verdict"].as_str()
}

<<<<<<< HEAD
/// What an approver should know before trusting the figures; earlier runs first, since nobody should repeat a test until it passes.
pub(in crate::http) fn cautions(packet: &Packet) -> Vec<String> {
    let runs = packet.earlier_runs.iter().map(|run| {
        let verdict = run
            .verdict
            .as_deref()
            .map_or_else(|| "without a verdict".to_owned(), |word| word.replace('_', " "));
        format!(
            "This change was tested before: plan {}, {verdict}.",
            run.plan_sha256.short()
        )
    });
    runs.chain(packet.warnings.iter().cloned()).collect()
=======
/// DORA's six verbs, and where the change stands or stopped.
fn steps(view: &ChangeView) -> Vec<Step> {
    const STAGES: [&str; 6] = [
        "recorded",
        "tested",
        "assessed",
        "approved",
        "implemented",
        "verified",
    ];
    let kinds = |words: &[&str]| {
        view.events
            .iter()
            .any(|event| words.contains(&event.kind.as_str()))
    };
    let reached = [
        kinds(&["submitted"]),
        kinds(&["evidence_submitted", "test_waived"]),
        kinds(&["packet_sealed"]),
        kinds(&["approved"]),
        kinds(&["applied"]),
        kinds(&["verified"]),
    ];
    let done = reached.iter().take_while(|it| **it).count();
    let ended_badly = view.state.is_final() && view.state != ChangeState::Completed;
    let step = |(index, title)| {
        let class = match index {
            _ if index < done => "done",
            _ if index == done && ended_badly => "stop",
            _ if index == done => "now",
            _ => "",
        };
        Step {
            title,
            class,
            current: class == "now",
        }
    };
    STAGES.into_iter().enumerate().map(step).collect()
}

fn progress(view: &ChangeView) -> Option<Progress> {
    let test = view
        .test
        .as_ref()
        .filter(|_| view.state == ChangeState::ShadowTesting)?;
    let paused = if test.paused { " It is paused." } else { "" };
    Some(Progress {
        title: format!(
            "Replayed {} of {} calls",
            count(test.done.into()),
            count(test.total.into())
        ),
        text: format!(
            "{} of at most {} spent so far{}. Tools are never executed in a replay.{paused}",
            dollars(&test.spent_usd),
            dollars(&test.cap_usd),
            left(test.seconds_left)
        ),
        done: test.done,
        most: test.total.max(1),
    })
}

fn dollars(plain: &str) -> Usd {
    Usd(plain.parse().unwrap_or_default())
}

/// `, about 3 minutes left`
fn left(seconds: Option<u64>) -> String {
    match seconds {
        None => String::new(),
        Some(seconds) if seconds < 60 => ", less than a minute left".to_owned(),
        Some(seconds) if seconds < 120 => ", about a minute left".to_owned(),
        Some(seconds) => format!(", about {} minutes left", seconds / 60),
    }
}

/// One field of a hop, as people read it.
type Reading = fn(&Hop) -> String;

/// Both routes, hop by hop and field by field.
fn diff(before: &Route, after: &Route) -> Vec<DiffRow> {
    let mut rows = vec![row("Route", &before.id, &after.id)];
    let hops = before.hops().count().max(after.hops().count());
    for index in 0..hops {
        let (old, new) = (before.hops().nth(index), after.hops().nth(index));
        let name = |field: &str| match index {
            0 => field.to_owned(),
            1 => format!("Fallback: {}", field.to_lowercase()),
            _ => format!("Fallback {index}: {}", field.to_lowercase()),
        };
        let text = |hop: Option<&Hop>, read: Reading| hop.map_or_else(|| "none".to_owned(), read);
        let fields: [(&str, Reading); 4] = [
            ("Model", |hop| hop.model.clone()),
            ("Provider", |hop| hop.provider.clone()),
            ("Region", |hop| {
                hop.region.clone().unwrap_or_else(|| "not promised".to_owned())
            }),
            ("Parameters", |hop| {
                let pairs: Vec<_> = hop
                    .parameters
                    .iter()
                    .map(|(key, value)| format!("{key} {value}"))
                    .collect();
                if pairs.is_empty() {
                    "none".to_owned()
                } else {
                    pairs.join(", ")
                }
            }),
        ];
        for (field, read) in fields {
            let row = row(&name(field), &text(old, read), &text(new, read));
            // Fields that neither side sets say nothing.
            if row.before != "none" || row.after != "none" {
                rows.push(row);
            }
        }
    }
    rows
}

fn row(field: &str, before: &str, after: &str) -> DiffRow {
    DiffRow {
        field: field.to_owned(),
        before: before.to_owned(),
        after: after.to_owned(),
        changed: before != after,
    }
}

fn timeline(event: &EventView, catalog: &Catalog) -> TimelineItem {
    let said = words::say(&event.event, catalog);
    TimelineItem {
        what: said.what,
        mark: said.mark,
        tone: said.tone,
        who: event.actor.name.clone(),
        at: event.at.into(),
        quote: event.note.clone(),
        entry: event.leaf.map(|leaf| leaf.to_string()),
    }
}

fn proof(view: &ChangeView) -> Proof {
    let number = view.number.0;
    let sealed = match (view.ledger.leaf, view.ledger.sealed) {
        (Some(leaf), true) => {
            format!(
                "All {} events are sealed in the ledger, the newest as entry {leaf}.",
                view.events.len()
            )
        }
        (Some(leaf), false) => format!("Sealed up to entry {leaf}; the rest follows within a second."),
        (None, _) => "Not sealed yet; that takes at most a second.".to_owned(),
    };
    let Some(packet) = view.packet_sha256 else {
        return Proof {
            sentence: sealed,
            steps: Vec::new(),
        };
    };
    let leaf = view
        .ledger
        .packet_leaf
        .map(|leaf| format!(", named by entry {leaf}"))
        .unwrap_or_default();
    Proof {
        sentence: format!("People decide on packet {}{leaf}. {sealed}", packet.short()),
        steps: vec![
            ProofStep {
                title: "Take the packet, its public key and its proof",
                command: format!("governor packet export {number} --out packet-{number}"),
            },
            ProofStep {
                title: "Check signature, digest and the votes bound to it, without this service",
                command: format!(
                    "governor packet verify packet-{number}/packet.dsse.json --key packet-{number}/packet.pub.pem"
                ),
            },
            ProofStep {
                title: "Compare the digest yourself",
                command: format!(
                    "jq -r .payload packet-{number}/packet.dsse.json | base64 -d | sha256sum   # {packet}"
                ),
            },
        ],
    }
>>>>>>> 39389dd (What a test saw is kept encrypted and shown to cleared people; run control in chat, page, API and terminal)
}

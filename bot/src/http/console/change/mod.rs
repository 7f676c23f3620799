//! The change page: should this happen. Verdict, slots, evidence, route, policy, history, proof, and the forms.

pub mod evidence;
pub mod forms;
mod policy;
mod side;
pub mod words;

use axum::{
    extract::{Path, Query, State},
    response::{IntoResponse as _, Response},
};
use serde::{Deserialize, Serialize};
use workflow_engine::{
    catalog::Catalog,
    change::state::State as ChangeState,
    engine::queries::change::{ChangeView, EventView},
    evidence::{
        figures::count,
        sentences::{self, KindWords},
    },
    shadow::analysis::report::Report,
    values::{ChangeNumber, Hop, Route, Usd},
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
    let keys = side::Keys { form: state.secret() };
    let model = ChangePage::of(&view, visitor, &keys)?;
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
    requester: String,
    reason: Option<String>,
    filed_at: Time,
    deadline: Option<Time>,
    packet_short: Option<String>,
    packet_sha256: Option<String>,
    steps: Vec<Step>,
    progress: Option<Progress>,
    #[serde(flatten)]
    pictures: evidence::Pictures,
    diff: Vec<DiffRow>,
    policy: Option<policy::Policy>,
    timeline: Vec<TimelineItem>,
    proof: Proof,
    #[serde(flatten)]
    side: side::Side,
}

#[derive(Clone, Debug, Serialize)]
struct Named {
    id: String,
    name: String,
}

#[derive(Clone, Debug, Serialize)]
struct Step {
    title: &'static str,
    class: &'static str,
    current: bool,
}

#[derive(Clone, Debug, Serialize)]
struct Progress {
    title: String,
    text: String,
    done: u32,
    most: u32,
}

#[derive(Clone, Debug, Serialize)]
struct DiffRow {
    field: String,
    before: String,
    after: String,
    changed: bool,
}

#[derive(Clone, Debug, Serialize)]
struct TimelineItem {
    what: String,
    mark: &'static str,
    tone: &'static str,
    who: String,
    at: Time,
    quote: Option<String>,
    // As text: to a template the number 0 is nothing.
    entry: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
struct Proof {
    sentence: String,
    steps: Vec<ProofStep>,
}

#[derive(Clone, Debug, Serialize)]
struct ProofStep {
    title: &'static str,
    command: String,
}

impl ChangePage {
    fn of(view: &ChangeView, visitor: &Visitor, keys: &side::Keys) -> Result<Self, Problem> {
        let catalog = &visitor.catalog;
        let report: Option<Report> = view
            .verdict
            .clone()
            .map(serde_json::from_value)
            .transpose()
            .map_err(|error| Problem::internal(&error))?;
        let entry = catalog.workflow(view.workflow.as_str());
        let outcome = view
            .verdict
            .as_ref()
            .and_then(|verdict| verdict["verdict"].as_str());
        let target = entry.and_then(|entry| entry.latency_p95_ms);
        let kinds = entry.map(|entry| entry.strata.words.clone()).unwrap_or_default();
        Ok(Self {
            number: view.number.0,
            workflow: Named {
                id: view.workflow.to_string(),
                name: entry.map_or_else(|| view.workflow.to_string(), |entry| entry.name.clone()),
            },
            revision: view.revision.0,
            badge: Badge::of(view.state, outcome),
            movement: sentences::what(&view.baseline, &view.candidate),
            headline: headline(view, report.as_ref(), &kinds),
            // Without a test the reason why it ended is all the evidence there is.
            evidence: report.as_ref().map_or_else(
                || view.ending.iter().cloned().collect(),
                |report| evidence::sentences(report, &kinds),
            ),
            requester: view.requester.name.clone(),
            reason: view.reason.clone(),
            filed_at: view.filed_at.into(),
            deadline: view
                .deadline_at
                .filter(|_| view.state == ChangeState::AwaitingApproval)
                .map(Time::from),
            packet_short: view.packet_sha256.map(|digest| digest.short()),
            packet_sha256: view.packet_sha256.map(|digest| digest.to_string()),
            steps: steps(view),
            progress: progress(view),
            pictures: report
                .as_ref()
                .map(|report| evidence::pictures(report, &kinds, target))
                .unwrap_or_default(),
            diff: diff(&view.baseline, &view.candidate),
            policy: view.policy.as_ref().and_then(policy::Policy::read),
            timeline: view
                .events
                .iter()
                .rev()
                .map(|event| timeline(event, catalog))
                .collect(),
            proof: proof(view),
            side: side::Side::of(view, visitor, keys),
        })
    }
}

/// The page's one sentence: the verdict where there is one, else where the change stands.
fn headline(view: &ChangeView, report: Option<&Report>, kinds: &KindWords) -> String {
    match (view.state, report) {
        (ChangeState::PolicyDenied, None) => "Not allowed, and no prompt was sent".to_owned(),
        (ChangeState::ShadowFailed, None) => "The test could not be run".to_owned(),
        (_, Some(report)) => evidence::verdict(report, kinds),
        (ChangeState::Draft, None) => "Not handed in yet".to_owned(),
        (ChangeState::Submitted, None) => {
            "Policy is asked whether this data may be shown to the candidate".to_owned()
        }
        (ChangeState::ShadowTesting, None) => "Being tested on recorded calls".to_owned(),
        (ChangeState::Withdrawn, None) => "Withdrawn before there was evidence".to_owned(),
        (state, None) => format!("{}, without a test", state.title()),
    }
}

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
            "{} spent so far. Tools are never executed in a replay.{paused}",
            Usd(test.spent_usd.parse().unwrap_or_default())
        ),
        done: test.done,
        most: test.total.max(1),
    })
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
}

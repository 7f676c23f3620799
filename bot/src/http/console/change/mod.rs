//! The change page: should this happen. Verdict, what is asked of the reader, slots, evidence, route, policy, history, proof.

mod actions;
mod ask;
mod course;
pub mod examples;
pub mod forms;
mod policy;
pub mod print;
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
    engine::queries::change_view::{ChangeView, SupportingView},
    evidence::{packet::Packet, sentences},
    shadow::analysis::report::Report,
    values::ChangeNumber,
};

use super::{
    parts::{Badge, Time},
    shell::{Framed, Notice, Shell, Visitor},
};
use crate::{
    http::{problem::Problem, state::AppState},
    packet::evidence,
};

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
    examples: Option<examples::Way>,
    supporting: Vec<SupportingRow>,
    diff: Vec<route::DiffRow>,
    policy: Option<policy::Policy>,
    timeline: Vec<course::TimelineItem>,
    proof: course::Proof,
    #[serde(flatten)]
    actions: actions::Actions,
    comment_key: Option<String>,
}

/// Results of another tool, beside the test.
#[derive(Clone, Debug, Serialize)]
struct SupportingRow {
    sentence: String,
    by: String,
    at: Time,
    sha256: String,
    short: String,
    in_packet: bool,
}

impl From<&SupportingView> for SupportingRow {
    fn from(view: &SupportingView) -> Self {
        Self {
            sentence: view.sentence.clone(),
            by: view.attached_by.name.clone(),
            at: view.of.at.into(),
            sha256: view.of.file.sha256.to_string(),
            short: view.of.file.sha256.short(),
            in_packet: view.in_packet,
        }
    }
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
        let frozen = view.frozen.is_some();
        let asked = if frozen {
            Vec::new()
        } else {
            ask::roles(view, &visitor.person)
        };
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
            examples: examples::way(view, visitor),
            supporting: view.supporting.iter().map(SupportingRow::from).collect(),
            diff: route::diff(&view.baseline, &view.candidate),
            policy: view.policy.as_ref().and_then(policy::Policy::read),
            timeline: course::timeline(view, &visitor.catalog),
            proof: course::proof(view),
            actions: actions::Actions::of(view, visitor, &asked, key),
            comment_key: (!frozen).then(|| format!("{key}-c")),
        })
    }
}

fn outcome(view: &ChangeView) -> Option<&str> {
    view.verdict.as_ref()?["verdict"].as_str()
}

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
}

//! The packet as one page to print or to file away: the same words and pictures, A4, and nothing loaded from elsewhere.

use axum::{
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::Serialize;
use workflow_engine::{
    catalog::Catalog,
    engine::queries::change_view::ChangeView,
    evidence::{
        figures::count,
        packet::{ControlRef, Packet, Tested},
    },
    values::{ChangeNumber, Digest},
};

use super::{
    super::{
        pages::Pages,
        parts::{Badge, Time},
        shell::Visitor,
    },
    cautions, course, outcome, policy, route, slots,
};
use crate::{
    http::{
        problem::{Code, Problem},
        state::AppState,
    },
    packet::{evidence, png},
};

/// `GET /changes/{number}/packet.html`.
pub(in crate::http) async fn show(
    State(state): State<AppState>,
    visitor: Visitor,
    Path(number): Path<u64>,
) -> Result<Response, Problem> {
    let view = state.engine.change_view(ChangeNumber(number)).await?;
    let view = view.ok_or_else(|| Problem::not_found("change", ChangeNumber(number)))?;
    Ok(document(&state.pages, &view, &visitor.catalog)?.into_response())
}

/// A page that stands alone.
pub struct Document {
    /// The whole page.
    pub html: String,
    /// What the browser may do with it: its one inline style, nothing else.
    content_policy: String,
}

impl IntoResponse for Document {
    fn into_response(self) -> Response {
        let headers = [
            (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
            (header::CONTENT_SECURITY_POLICY, self.content_policy),
        ];
        (headers, self.html).into_response()
    }
}

#[derive(Serialize)]
struct Paper {
    style: String,
    number: u64,
    revision: u32,
    workflow: String,
    badge: Badge,
    what: String,
    evidence: String,
    cautions: Vec<String>,
    requester: String,
    filed_at: Time,
    sealed_at: Time,
    packet_sha256: String,
    tier: String,
    data_class: Option<String>,
    #[serde(flatten)]
    slots: slots::Slots,
    counters: Vec<String>,
    #[serde(flatten)]
    pictures: evidence::Pictures,
    diff: Vec<route::DiffRow>,
    policy: Option<policy::Policy>,
    supporting: Vec<super::SupportingRow>,
    controls: Vec<ControlRef>,
    method: Vec<(&'static str, String)>,
    proof: course::Proof,
}

/// The packet of `view` as a page.
///
/// # Errors
/// 404 before there is a packet.
pub fn document(pages: &Pages, view: &ChangeView, catalog: &Catalog) -> Result<Document, Problem> {
    let packet = sealed(view)?;
    let entry = catalog.workflow(view.workflow.as_str());
    let kinds = entry.map(|entry| entry.strata.words.clone()).unwrap_or_default();
    let target = entry.and_then(|entry| entry.latency_p95_ms);
    let pictures = packet
        .test
        .as_ref()
        .map(|test| evidence::pictures(&test.report, &kinds, (target, packet.cost.as_ref())));
    let style = pages.light_style();
    let policy = serde_json::to_value(&packet.policy).map_err(|error| Problem::internal(&error))?;
    let paper = Paper {
        number: view.number.0,
        revision: packet.change.revision.0,
        workflow: entry.map_or_else(|| view.workflow.to_string(), |entry| entry.name.clone()),
        badge: Badge::of(view.state, outcome(view)),
        what: packet.what.clone(),
        evidence: packet.evidence.clone(),
        cautions: cautions(packet),
        requester: view.requester.name.clone(),
        filed_at: view.filed_at.into(),
        sealed_at: packet.sealed_at.into(),
        packet_sha256: view
            .packet_sha256
            .map(|digest| digest.to_string())
            .unwrap_or_default(),
        tier: packet.change.tier.clone(),
        data_class: packet.change.data_class.clone(),
        slots: slots::Slots::of(view, &[]),
        counters: packet.counters.iter().map(|counter| counter.sentence()).collect(),
        pictures: pictures.unwrap_or_default(),
        diff: route::diff(&packet.routes.baseline, &packet.routes.candidate),
        policy: policy::Policy::read(&policy),
        // Only what was sealed with it: the page is the packet, not the change.
        supporting: view
            .supporting
            .iter()
            .filter(|it| it.in_packet)
            .map(Into::into)
            .collect(),
        controls: packet.controls.clone(),
        method: packet.test.as_ref().map(method).unwrap_or_default(),
        proof: course::proof(view),
        style: format!("<style>{style}</style>"),
    };
    let digest = BASE64_STANDARD.encode(Digest::of(style.as_bytes()).0);
    Ok(Document {
        html: pages.render("packet", &paper)?.0,
        content_policy: format!(
            "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
    })
}

/// The pictures of `view`'s packet as one PNG.
///
/// # Errors
/// 404 before there is a packet, or where nothing was measured.
pub async fn pictures(view: &ChangeView, catalog: &Catalog) -> Result<Vec<u8>, Problem> {
    let packet = sealed(view)?;
    let test = packet.test.as_ref().ok_or_else(|| {
        let what = format!(
            "Change {} was not tested, so there is nothing to draw.",
            view.number
        );
        Problem::new(Code::NotFound, what)
    })?;
    let drawn = png::of(packet, test, catalog).await;
    drawn.map_err(|error| Problem::internal(&error))
}

fn sealed(view: &ChangeView) -> Result<&Packet, Problem> {
    view.packet.as_ref().ok_or_else(|| {
        Problem::new(
            Code::NotFound,
            format!(
                "Change {} has no packet yet; it is sealed after the test.",
                view.number
            ),
        )
    })
}

/// How it was measured, for whoever wants to do it again.
fn method(test: &Tested) -> Vec<(&'static str, String)> {
    let plan = &test.plan;
    let excluded: Vec<_> = plan
        .excluded
        .iter()
        .map(|(why, n)| format!("{} {}", count(*n), why.replace('_', " ")))
        .collect();
    let left_out = if excluded.is_empty() {
        "none".to_owned()
    } else {
        excluded.join(", ")
    };
    vec![
        (
            "Plan",
            format!(
                "{} (SHA-256, recorded before the first prompt was sent)",
                test.plan_sha256
            ),
        ),
        (
            "Calls of",
            format!(
                "{} to {}",
                plan.from.format("%-d %B %Y"),
                plan.until.format("%-d %B %Y")
            ),
        ),
        (
            "Recorded",
            format!(
                "{}, of which {:.0} % can be replayed",
                count(plan.recorded),
                plan.replayable_share() * 100.0
            ),
        ),
        ("Left out", left_out),
        (
            "Sample",
            format!(
                "{} calls, seed {}, digest {}",
                count(test.sample.traces),
                test.sample.seed_hex,
                test.sample.sha256
            ),
        ),
        ("Report", test.report_sha256.to_string()),
        ("Spent on it", test.spent_usd.to_string()),
        (
            "Finished",
            test.finished_at.format("%Y-%m-%d %H:%M UTC").to_string(),
        ),
    ]
}

//! `/workflows`: who owns this, what may it use, what serves it now.

use axum::{
    extract::{Path, State},
    response::Html,
};
use serde::Serialize;
use workflow_engine::{
    catalog::{Catalog, MappingRule, RiskTier, Workflow, fault::nearest},
    engine::queries::list::WorkflowView,
    evidence::figures::{model, seconds},
    shadow::statistics::judge::LEAST_LABELS,
    store::{self, views::Filter},
    values::Route,
};

use super::{
    parts::{Badge, Empty, Link, Row},
    shell::{Framed, Shell, Visitor},
};
use crate::http::{problem::Problem, state::AppState};

#[derive(Serialize)]
struct List {
    rows: Vec<Line>,
    empty: Empty,
}

#[derive(Serialize)]
struct Line {
    id: String,
    name: String,
    owner: String,
    data_class: String,
    served_by: String,
    route: String,
    open: Option<Open>,
}

#[derive(Serialize)]
struct Open {
    number: u64,
    badge: Badge,
}

/// `GET /workflows`.
pub(in crate::http) async fn list(
    State(state): State<AppState>,
    visitor: Visitor,
) -> Result<Html<String>, Problem> {
    let views = state.engine.workflow_views().await?;
    let page = List {
        rows: views.iter().map(line).collect(),
        empty: Empty {
            title: "No workflow is governed yet",
            text: "Write them into a catalog file and apply it: governor catalog apply catalog.toml",
            action: None,
        },
    };
    let shell = Shell::of(&state, &visitor, "Workflows", "/workflows").await?;
    state.pages.render("workflows", &Framed { shell, page })
}

fn line(view: &WorkflowView) -> Line {
    Line {
        id: view.entry.id.to_string(),
        name: view.entry.name.clone(),
        owner: view.owner_name.clone(),
        data_class: view.data_class_name.clone(),
        served_by: view
            .live
            .as_ref()
            .map_or_else(|| "nothing".to_owned(), |route| model(&route.primary.model)),
        route: view
            .live
            .as_ref()
            .map(|route| route.id.clone())
            .unwrap_or_default(),
        open: view.open_change.as_ref().map(|change| Open {
            number: change.number.0,
            badge: Badge::of(change.state, change.verdict.as_deref()),
        }),
    }
}

#[derive(Serialize)]
struct WorkflowPage {
    id: String,
    name: String,
    sentence: String,
    live_note: String,
    hops: Vec<Hop>,
    changes: Vec<Row>,
    changes_empty: Empty,
    facts: Vec<Fact>,
    judge: Option<String>,
    candidates: Vec<Link>,
    mapping: Vec<Rule>,
}

#[derive(Serialize)]
struct Hop {
    order: String,
    model: String,
    provider: String,
    region: String,
}

#[derive(Serialize)]
struct Fact {
    name: &'static str,
    value: String,
}

#[derive(Serialize)]
struct Rule {
    name: String,
    text: String,
}

/// `GET /workflows/{id}`.
pub(in crate::http) async fn show(
    State(state): State<AppState>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Html<String>, Problem> {
    let catalog = &visitor.catalog;
    let entry = catalog.workflow(&id).ok_or_else(|| unknown(catalog, &id))?;
    let view = state.engine.workflow_view(catalog, entry).await?;
    let filter = Filter {
        workflow: Some(id),
        ..Filter::default()
    };
    let changes = state.engine.change_lines(&filter, 20).await?;
    let page = WorkflowPage {
        id: entry.id.to_string(),
        name: entry.name.clone(),
        sentence: format!(
            "{} answers for it. It sees {} data and is charged to {}.",
            view.owner_name,
            view.data_class_name.to_lowercase(),
            cost_center(catalog, entry)
        ),
        live_note: view.live_since_change.map_or_else(
            || "as the catalog says".to_owned(),
            |number| format!("since change #{number}"),
        ),
        hops: view.live.as_ref().map(hops).unwrap_or_default(),
        changes: changes.items.iter().map(|line| Row::of(line, None)).collect(),
        changes_empty: Empty {
            title: "No change yet",
            text: "Propose another model and see what this workflow’s own calls say.",
            action: None,
        },
        facts: facts(catalog, entry),
        judge: judge(&state, entry).await?,
        candidates: candidates(catalog, entry),
        mapping: catalog
            .mapping
            .iter()
            .filter(|rule| names(rule, entry))
            .map(rule)
            .collect(),
    };
    let shell = Shell::of(&state, &visitor, &entry.name, "/workflows").await?;
    state.pages.render("workflow", &Framed { shell, page })
}

/// 404 that names the nearest workflow.
pub(in crate::http) fn unknown(catalog: &Catalog, id: &str) -> Problem {
    let known = catalog.workflows.iter().map(|entry| entry.id.as_str());
    let hint = nearest(id, known)
        .map(|near| format!(" Did you mean `{near}`?"))
        .unwrap_or_default();
    let mut problem = Problem::not_found("workflow", format!("`{id}`"));
    problem.detail.push_str(&hint);
    problem
}

fn cost_center(catalog: &Catalog, entry: &Workflow) -> String {
    let found = catalog.cost_centers.iter().find(|it| it.id == entry.cost_center);
    found.map_or_else(
        || entry.cost_center.clone(),
        |it| format!("{} ({})", it.name, it.id),
    )
}

fn hops(route: &Route) -> Vec<Hop> {
    let hop = |(index, hop): (usize, &workflow_engine::values::Hop)| Hop {
        order: if index == 0 {
            "first".to_owned()
        } else {
            format!("fallback {index}")
        },
        model: model(&hop.model),
        provider: hop.provider.clone(),
        region: hop.region.clone().unwrap_or_else(|| "not promised".to_owned()),
    };
    route.hops().enumerate().map(hop).collect()
}

fn facts(catalog: &Catalog, entry: &Workflow) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut add = |name, value: String| facts.push(Fact { name, value });
    let tier = match entry.risk {
        RiskTier::Low => "low: internal help, easily corrected",
        RiskTier::Standard => "standard",
        RiskTier::Critical => "critical: customers, money or health depend on it",
    };
    add("Risk", tier.to_owned());
    let class = catalog
        .data_classes
        .iter()
        .find(|class| class.id == entry.data_class);
    add(
        "Data",
        class.map_or_else(|| entry.data_class.clone(), |class| class.name.clone()),
    );
    let regions = if entry.regions.is_empty() {
        class.map(|class| &class.regions[..]).unwrap_or_default()
    } else {
        &entry.regions
    };
    add(
        "Regions",
        if regions.is_empty() {
            "any".to_owned()
        } else {
            regions.join(", ")
        },
    );
    let target = entry.latency_p95_ms;
    add(
        "Time to answer",
        target.map_or_else(
            || "no target".to_owned(),
            |ms| format!("95 of 100 calls within {}", seconds(ms as f64)),
        ),
    );
    let budget = catalog
        .budgets
        .iter()
        .find(|budget| budget.workflow.as_ref() == Some(&entry.id));
    add(
        "Budget",
        budget.map_or_else(
            || "none".to_owned(),
            |budget| format!("{} a month", budget.monthly_usd),
        ),
    );
    add("Team", entry.team.clone().unwrap_or_else(|| "none".to_owned()));
    add("Gateway", format!("{}, alias {}", entry.gateway, entry.alias));
    facts
}

/// Who judges, and how many labels people have given; none where nobody judges.
async fn judge(state: &AppState, entry: &Workflow) -> Result<Option<String>, Problem> {
    let Some(card) = &entry.shadow.judge else {
        return Ok(None);
    };
    let labels = store::judging::labels(state.db(), &entry.id).await?.len();
    Ok(Some(format!(
        "{} compares answers where checks cannot decide, as far as people agree with it. {labels} pairs are labelled; {LEAST_LABELS} are needed.",
        card.model
    )))
}

fn candidates(catalog: &Catalog, entry: &Workflow) -> Vec<Link> {
    let named = |id: &String| Link {
        href: id.clone(),
        title: catalog
            .route(id)
            .map(|route| model(&route.model))
            .unwrap_or_default(),
    };
    entry.candidates.iter().map(named).collect()
}

fn names(rule: &MappingRule, entry: &Workflow) -> bool {
    rule.workflow == entry.id.as_str() || rule.workflow.contains("$1")
}

fn rule(rule: &MappingRule) -> Rule {
    let parts = [
        ("tag", &rule.tag),
        ("span's workflow", &rule.span_workflow),
        ("alias", &rule.alias),
        ("team", &rule.team),
        ("key", &rule.key_alias),
        ("source", &rule.source),
    ];
    let parts: Vec<_> = parts
        .into_iter()
        .filter_map(|(what, value)| value.as_ref().map(|value| format!("{what} {value}")))
        .collect();
    Rule {
        name: rule.name.clone(),
        text: parts.join(" and "),
    }
}

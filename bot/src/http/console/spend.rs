//! `/spend`: where did it go, why, and what has nobody who bears it.

use axum::{
    extract::{Query, State},
    response::Html,
};
use serde::{Deserialize, Serialize};
use workflow_engine::{
    finance::{
        charges::{Account, Cut, Reason},
        outlook::Outlook,
        period::Period,
        spend::{Line, Spend},
        words::{calls as counted, compared, day, grouped, money, share, short, signed},
    },
    store::{self, calls::CallStore},
    values::Usd,
};

use super::{
    parts::{Empty, Link},
    shell::{Framed, Shell, Visitor},
};
use crate::{
    http::{
        problem::{Code, Problem},
        state::AppState,
    },
    plots,
};

/// What is asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::http) struct Wanted {
    month: Option<String>,
    by: Option<String>,
}

#[derive(Serialize)]
struct Page {
    headline: String,
    sentence: String,
    picture: String,
    tabs: Vec<Tab>,
    column: &'static str,
    month_name: String,
    lines: Vec<Row>,
    days: Vec<DayRow>,
    parts: Vec<String>,
    coverage: String,
    gaps: Vec<String>,
    unallocated: Vec<Gap>,
    budgets: Vec<Budget>,
    earlier: Link,
    later: Option<Link>,
    statement: String,
    empty: Option<Empty>,
}

#[derive(Serialize)]
struct Tab {
    href: String,
    title: &'static str,
    current: bool,
}

#[derive(Serialize)]
struct Row {
    name: String,
    href: Option<String>,
    calls: String,
    cost: String,
    exact: String,
    change: String,
    share: String,
    apart: bool,
}

#[derive(Serialize)]
struct DayRow {
    day: String,
    total: String,
    parts: Vec<String>,
}

#[derive(Serialize)]
struct Gap {
    reason: String,
    amount: String,
    href: String,
}

#[derive(Serialize)]
struct Budget {
    name: String,
    sentence: String,
    tone: &'static str,
}

/// `GET /spend?month=2026-10&by=workflow|owner|cost-center|model`.
pub(in crate::http) async fn show(
    State(state): State<AppState>,
    visitor: Visitor,
    Query(wanted): Query<Wanted>,
) -> Result<Html<String>, Problem> {
    let month = wanted.month()?;
    let cut = wanted.cut()?;
    let shell = Shell::of(&state, &visitor, "Spend", "/spend").await?;
    let calls = state.recorder()?.calls();
    let page = match state.engine.spend(calls, month, cut).await? {
        Some(spend) => Page {
            budgets: budgets(&state, calls).await?,
            ..page(&spend)
        },
        None => nothing(),
    };
    state.pages.render("spend", &Framed { shell, page })
}

impl Wanted {
    fn month(&self) -> Result<Option<Period>, Problem> {
        let given = self.month.as_deref().filter(|text| !text.is_empty());
        given
            .map(|text| {
                Period::month(text).ok_or_else(|| Problem::new(Code::BadQuery, "`month` is written 2026-10."))
            })
            .transpose()
    }

    fn cut(&self) -> Result<Cut, Problem> {
        let name = self
            .by
            .as_deref()
            .filter(|text| !text.is_empty())
            .unwrap_or("workflow");
        let found = Cut::ALL.iter().find(|(known, _)| *known == name);
        found
            .map(|(_, cut)| *cut)
            .ok_or_else(|| Problem::new(Code::BadQuery, "`by` is workflow, owner, cost-center or model."))
    }
}

fn nothing() -> Page {
    Page {
        headline: "Spend".to_owned(),
        sentence: String::new(),
        picture: String::new(),
        tabs: Vec::new(),
        column: "",
        month_name: String::new(),
        lines: Vec::new(),
        days: Vec::new(),
        parts: Vec::new(),
        coverage: String::new(),
        gaps: Vec::new(),
        unallocated: Vec::new(),
        budgets: Vec::new(),
        earlier: Link {
            href: String::new(),
            title: String::new(),
        },
        later: None,
        statement: String::new(),
        empty: Some(Empty {
            title: "No call has come in yet",
            text: "Point a gateway or an application at this address: LiteLLM's callback to /ingest/litellm, OpenTelemetry to /v1/traces. Make a token for it with `governor token create --role ingest`.",
            action: None,
        }),
    }
}

fn page(spend: &Spend) -> Page {
    let month_name = spend.month.first.format("%B %Y").to_string();
    let parts = spend.days.first().map(|day| &day.parts[..]).unwrap_or_default();
    let limit = spend
        .limit
        .map(|limit| Usd(limit.0 / rust_decimal::Decimal::from(spend.month.days())));
    let all_covered = spend.coverage.gaps.is_empty();
    Page {
        headline: format!("{} in {month_name}", money(spend.total.cost)),
        sentence: sentence(spend),
        picture: plots::spend::draw(&spend.days, limit),
        tabs: tabs(spend),
        column: title(spend.cut),
        lines: spend.lines.iter().map(|line| row(spend, line)).collect(),
        days: spend.days.iter().rev().map(day_row).collect(),
        parts: parts.iter().map(|(name, _)| name.clone()).collect(),
        coverage: match all_covered {
            true => "All of it has an owner and an approved policy.".to_owned(),
            false => format!(
                "{} has an owner and an approved policy; {} has not.",
                share(spend.coverage.covered, spend.coverage.total),
                money(spend.coverage.uncovered())
            ),
        },
        gaps: spend
            .coverage
            .gaps
            .iter()
            .take(5)
            .map(|(gap, total)| gap.sentence(total))
            .collect(),
        unallocated: spend
            .unallocated
            .iter()
            .map(|found| gap(spend.month, found))
            .collect(),
        budgets: Vec::new(),
        earlier: neighbour(spend, Period::month_of(spend.month.first - chrono::Days::new(1))),
        later: (spend.until == spend.month.last)
            .then(|| neighbour(spend, Period::month_of(spend.month.last + chrono::Days::new(1)))),
        statement: format!("/api/v1/statements?period={}", spend.month.key()),
        month_name,
        empty: None,
    }
}

/// `4 % below October's first 20 days. Heading for $583k (520k–650k) of $600k.`
fn sentence(spend: &Spend) -> String {
    let mut words = Vec::new();
    if let Some(comparison) = spend.before.and_then(|before| compared(spend.total.cost, before)) {
        let stretch = match spend.until == spend.month.last {
            true => "the month before".to_owned(),
            false => "the same days of the month before".to_owned(),
        };
        words.push(format!("{} {stretch}.", sentence_case(&comparison)));
    }
    match (&spend.outlook, spend.limit) {
        (Some(outlook), limit) => words.push(heading(outlook, limit)),
        (None, Some(limit)) => words.push(format!("The budget was {} a month.", money(limit))),
        (None, None) => {}
    }
    words.join(" ")
}

fn heading(outlook: &Outlook, limit: Option<Usd>) -> String {
    let band = outlook
        .band
        .map(|(low, high)| format!(" ({}–{})", short(low.0), short(high.0)))
        .unwrap_or_default();
    let of = limit
        .map(|limit| format!(" of {}", money(limit)))
        .unwrap_or_default();
    let pace = if outlook.by_pace {
        ", by the pace so far"
    } else {
        ""
    };
    format!("Heading for {}{band}{of}{pace}.", money(outlook.total))
}

fn sentence_case(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

fn title(cut: Cut) -> &'static str {
    match cut {
        Cut::Workflow => "Workflow",
        Cut::Owner => "Owner",
        Cut::CostCenter => "Cost centre",
        Cut::Model => "Model",
    }
}

fn tabs(spend: &Spend) -> Vec<Tab> {
    let tab = |(name, cut): &(&str, Cut)| Tab {
        href: format!("/spend?month={}&by={name}", spend.month.key()),
        title: title(*cut),
        current: *cut == spend.cut,
    };
    Cut::ALL.iter().map(tab).collect()
}

fn row(spend: &Spend, line: &Line) -> Row {
    let href = match (&line.account, spend.cut) {
        (Account::Named { id, .. }, Cut::Workflow) => Some(format!("/workflows/{id}")),
        (Account::Unallocated, _) => Some("#unallocated".to_owned()),
        _ => None,
    };
    Row {
        name: line.account.name().to_owned(),
        href,
        calls: grouped(line.total.calls),
        cost: money(line.total.cost),
        exact: format!("${}", line.total.cost.plain()),
        change: match line.before == Usd::ZERO {
            true => "–".to_owned(),
            false => signed(line.total.cost - line.before),
        },
        share: share(line.total.cost, spend.total.cost),
        apart: !matches!(line.account, Account::Named { .. }),
    }
}

fn day_row(found: &workflow_engine::finance::digest::Day) -> DayRow {
    DayRow {
        day: day(found.day),
        total: money(found.parts.iter().map(|(_, amount)| *amount).sum()),
        parts: found.parts.iter().map(|(_, amount)| money(*amount)).collect(),
    }
}

fn gap(month: Period, (reason, total): &(Reason, workflow_engine::finance::charges::Total)) -> Gap {
    let (words, query) = match reason {
        Reason::NoWorkflow => (
            "Calls that name no workflow".to_owned(),
            vec![("reason", "no-workflow")],
        ),
        Reason::UnknownWorkflow(name) => (
            format!("Workflow “{name}”, which the catalog does not have"),
            vec![("reason", "unknown-workflow"), ("workflow", name.as_str())],
        ),
        Reason::NoPrice { model, .. } => (
            format!("{model}, which has no price"),
            vec![("reason", "no-price")],
        ),
    };
    let key = month.key();
    let query: Vec<(&str, &str)> = [("month", key.as_str())].into_iter().chain(query).collect();
    let amount = match total.cost == Usd::ZERO {
        true => counted(total.calls),
        false => format!("{}, {}", money(total.cost), counted(total.calls)),
    };
    Gap {
        reason: words,
        amount,
        href: format!(
            "/spend/calls?{}",
            serde_urlencoded::to_string(query).unwrap_or_default()
        ),
    }
}

fn neighbour(spend: &Spend, month: Period) -> Link {
    let by = Cut::ALL
        .iter()
        .find(|(_, cut)| *cut == spend.cut)
        .map_or("workflow", |(name, _)| name);
    Link {
        href: format!("/spend?month={}&by={by}", month.key()),
        title: month.first.format("%B %Y").to_string(),
    }
}

async fn budgets(state: &AppState, calls: &CallStore) -> Result<Vec<Budget>, Problem> {
    let now = state.engine.budgets(calls).await?;
    let told = store::budgets::of_month(state.db(), &now.month.key()).await?;
    Ok(now
        .standings
        .iter()
        .map(|standing| Budget {
            name: standing.name.clone(),
            sentence: format!(
                "{} of {}{}{}",
                money(standing.spent),
                money(standing.limit),
                standing
                    .percent()
                    .map(|percent| format!(" ({percent} %)"))
                    .unwrap_or_default(),
                match told.iter().any(|alert| alert.budget == standing.key) {
                    true => ", people were told",
                    false => "",
                }
            ),
            tone: match standing.reached().is_empty() {
                _ if standing.has_spent(100) => "red",
                true => "green",
                false => "amber",
            },
        })
        .collect())
}

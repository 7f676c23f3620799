//! Answers side by side, for people who are cleared to read them; that they looked is recorded before they see anything.

use axum::{
    extract::{Path, Query, State},
    response::Html,
};
use serde::Serialize;
use serde_json::Value;
use workflow_engine::{
    engine::shadow::examples::{Asked, Example, Show, Side},
    evidence::{
        figures::{count, seconds},
        sentences::KindWords,
    },
    ports::model::ToolCall,
    values::ChangeNumber,
};

use super::super::{
    parts::{Choice, Empty, Pager},
    shell::{Framed, Shell, Visitor},
};
use crate::http::{problem::Problem, state::AppState};

/// Examples on a page: enough to see a pattern, few enough to read.
const MOST: usize = 10;

#[derive(Serialize)]
struct Page {
    number: u64,
    headline: String,
    show: Vec<Choice>,
    kinds: Vec<Choice>,
    items: Vec<Item>,
    empty: Empty,
    pager: Option<Pager>,
}

#[derive(Serialize)]
struct Item {
    trace: String,
    kind: String,
    prompt: Option<String>,
    conversation: Option<String>,
    reference: Option<String>,
    sides: [Answer; 2],
}

#[derive(Serialize)]
struct Answer {
    title: &'static str,
    mark: &'static str,
    tone: &'static str,
    verdict: &'static str,
    text: Option<String>,
    calls: Vec<String>,
    failed: Option<String>,
    trouble: Option<String>,
    figures: String,
}

/// `GET /changes/{number}/examples?show=&stratum=&skip=`.
pub(in crate::http) async fn show(
    State(state): State<AppState>,
    visitor: Visitor,
    Path(number): Path<u64>,
    Query(asked): Query<Asked>,
) -> Result<Html<String>, Problem> {
    let asked = Asked { limit: MOST, ..asked };
    let change = ChangeNumber(number);
    let examples = state.vault()?.examples(&visitor.person, change, &asked).await?;
    let view = state.engine.change_view(change).await?;
    let view = view.ok_or_else(|| Problem::not_found("change", change))?;
    let words = visitor
        .catalog
        .workflow(view.workflow.as_str())
        .map(|entry| entry.strata.words.clone())
        .unwrap_or_default();
    let page = Page {
        number,
        headline: headline(examples.total, asked.show),
        show: choices(asked.show),
        kinds: kinds(&view.verdict, asked.stratum.as_deref(), &words),
        items: examples.items.iter().map(|example| item(example, &words)).collect(),
        empty: Empty {
            title: "No such pair among the tested calls",
            text: "Choose another comparison, or all kinds of request.",
            action: None,
        },
        pager: pager(number, &asked, examples.next_skip),
    };
    let shell = Shell::of(&state, &visitor, &format!("{change} side by side"), "/changes").await?;
    state.pages.render("examples", &Framed { shell, page })
}

fn headline(total: usize, show: Show) -> String {
    let n = count(total as u64);
    match show {
        Show::Worse => format!("Wrong on the candidate, right today: {n}"),
        Show::Better => format!("Right on the candidate, wrong today: {n}"),
        Show::BothFail => format!("Wrong on both: {n}"),
        Show::Every => format!("All pairs: {n}"),
    }
}

const SHOWN: [(&str, &str, Show); 4] = [
    ("worse", "only the candidate is wrong", Show::Worse),
    ("better", "only today’s route is wrong", Show::Better),
    ("both_fail", "both are wrong", Show::BothFail),
    ("every", "all pairs", Show::Every),
];

fn choices(shown: Show) -> Vec<Choice> {
    let choice = |(id, title, show): &(&str, &str, Show)| Choice {
        id: (*id).to_owned(),
        title: (*title).to_owned(),
        selected: *show == shown,
    };
    SHOWN.iter().map(choice).collect()
}

/// The kinds of request that the report has, behind "all kinds".
fn kinds(report: &Option<Value>, chosen: Option<&str>, words: &KindWords) -> Vec<Choice> {
    let endpoints = report.as_ref().and_then(|report| report["endpoints"].as_array());
    let names = endpoints.into_iter().flatten().filter(|it| it["endpoint"] == "quality");
    let choice = |id: &str, title: String| Choice {
        id: id.to_owned(),
        title,
        selected: chosen.unwrap_or_default() == id,
    };
    let named = names
        .filter_map(|it| it["stratum"].as_str())
        .map(|name| choice(name, named(name, words)));
    std::iter::once(choice("", "all kinds".to_owned())).chain(named).collect()
}

fn named(kind: &str, words: &KindWords) -> String {
    words.get(kind).cloned().unwrap_or_else(|| kind.to_owned())
}

fn pager(number: u64, asked: &Asked, next: Option<usize>) -> Option<Pager> {
    let show = SHOWN.iter().find(|(_, _, show)| *show == asked.show).map_or("", |(id, _, _)| id);
    let link = |skip: usize| {
        let pairs = [
            ("show", show.to_owned()),
            ("stratum", asked.stratum.clone().unwrap_or_default()),
            ("skip", skip.to_string()),
        ];
        let query = serde_urlencoded::to_string(&pairs[..]).unwrap_or_default();
        format!("/changes/{number}/examples?{query}")
    };
    (asked.skip > 0 || next.is_some()).then(|| Pager {
        first: (asked.skip > 0).then(|| link(0)),
        next: next.map(link),
    })
}

fn item(example: &Example, words: &KindWords) -> Item {
    let messages = example.input.as_ref().map(|input| &input.messages);
    Item {
        trace: example.trace_id.clone(),
        kind: named(&example.stratum, words),
        prompt: messages.and_then(last_question),
        conversation: messages.and_then(|messages| serde_json::to_string_pretty(messages).ok()),
        reference: example.reference.as_ref().and_then(|reference| {
            let calls = reference.tool_calls.as_ref().map(|calls| match calls.as_slice() {
                [] => "no tool".to_owned(),
                calls => calls.iter().map(call).collect::<Vec<_>>().join("\n"),
            });
            calls.or_else(|| reference.text.clone())
        }),
        sides: [
            answer("Today", &example.incumbent),
            answer("Candidate", &example.candidate),
        ],
    }
}

/// The text of the last thing that a person said.
fn last_question(messages: &Value) -> Option<String> {
    let last = messages.as_array()?.iter().rev().find(|message| message["role"] == "user")?;
    match &last["content"] {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => {
            let texts: Vec<_> = parts.iter().filter_map(|part| part["text"].as_str()).collect();
            Some(texts.join("\n"))
        }
        _ => None,
    }
}

fn answer(title: &'static str, side: &Side) -> Answer {
    let result = &side.result;
    let failed: Vec<_> = result
        .checks
        .iter()
        .filter(|(_, passed)| !**passed)
        .map(|(name, _)| name.replace('_', " "))
        .collect();
    let cost = result.cost_usd.map(|cost| cost.to_string());
    let time = result.latency_ms.map(seconds);
    let (mark, tone, verdict) = match result.ok {
        true => ("disc", "green", "right"),
        false => ("diamond", "red", "wrong"),
    };
    let completion = side.answer.as_ref();
    Answer {
        title,
        mark,
        tone,
        verdict,
        text: completion.and_then(|it| it.refusal.clone().or_else(|| it.text.clone())),
        calls: completion.map(|it| it.tool_calls.iter().map(call).collect()).unwrap_or_default(),
        failed: (!failed.is_empty()).then(|| failed.join(", ")),
        trouble: side.trouble.clone(),
        figures: cost.into_iter().chain(time).collect::<Vec<_>>().join(" · "),
    }
}

/// `lookup({"id":7})`, as the model wrote it.
fn call(call: &ToolCall) -> String {
    format!("{}({})", call.name, call.arguments)
}

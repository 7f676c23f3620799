//! Answers side by side, for people who are cleared to read them; that they looked is recorded before they see anything.

mod pair;

use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use serde::Serialize;
use workflow_engine::{
    catalog::clearance::may_read,
    engine::{
        queries::change_view::ChangeView,
        shadow::{
            examples::{Asked, Examples, ExamplesError, Show},
            vault::VaultError,
        },
    },
    evidence::{figures::count, sentences::KindWords},
    values::ChangeNumber,
};

use super::super::{
    parts::{Choice, Empty, Pager},
    shell::{Framed, Shell, Visitor},
};
use crate::http::{problem::Problem, state::AppState};

/// Examples on a page: enough to see a pattern, few enough to read.
const MOST: usize = 10;

/// The way from the change to its examples.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Way {
    href: Option<String>,
    /// Why it is closed to this reader, and who may go it.
    closed: Option<String>,
}

/// The way for `visitor`; none without a test.
pub(super) fn way(view: &ChangeView, visitor: &Visitor) -> Option<Way> {
    view.test.as_ref()?;
    let workflow = visitor.catalog.workflow(view.workflow.as_str())?;
    let closed = may_read(&visitor.catalog, workflow, &visitor.person).err();
    Some(Way {
        href: closed
            .is_none()
            .then(|| format!("/changes/{}/examples", view.number.0)),
        closed,
    })
}

#[derive(Serialize)]
struct Page {
    number: u64,
    workflow: String,
    headline: String,
    note: Option<&'static str>,
    show: Vec<Choice>,
    checks: Vec<Choice>,
    kinds: Vec<Choice>,
    items: Vec<pair::Item>,
    /// Why nothing is shown to this reader.
    closed: Option<String>,
    empty: Empty,
    pager: Option<Pager>,
}

/// `GET /changes/{number}/examples?show=&check=&stratum=&skip=`.
pub(in crate::http) async fn show(
    State(state): State<AppState>,
    visitor: Visitor,
    Path(number): Path<u64>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let asked = Asked { limit: MOST, ..asked };
    let change = ChangeNumber(number);
    let view = state.engine.change_view(change).await?;
    let view = view.ok_or_else(|| Problem::not_found("change", change))?;
    let words = visitor
        .catalog
        .workflow(view.workflow.as_str())
        .map(|entry| entry.strata.words.clone())
        .unwrap_or_default();
    let (status, page) = match state.vault()?.examples(&visitor.person, change, &asked).await {
        Ok(examples) => (StatusCode::OK, filled(&view, &asked, examples, &words)),
        Err(ExamplesError::NotCleared(why)) => (
            StatusCode::FORBIDDEN,
            closed(&view, "Not yours to read", why),
        ),
        Err(ExamplesError::Vault(VaultError::Erased)) => (
            StatusCode::GONE,
            closed(
                &view,
                "Erased at the end of its time",
                "Prompts and answers of this test are gone, as their retention asks. Figures and verdicts stay in the packet, and the erasure is in the ledger.".to_owned(),
            ),
        ),
        Err(error) => return Err(error.into()),
    };
    let shell = Shell::of(&state, &visitor, &format!("{change} side by side"), "/changes").await?;
    let html = state.pages.render("examples", &Framed { shell, page })?;
    Ok((status, html).into_response())
}

fn filled(view: &ChangeView, asked: &Asked, examples: Examples, words: &KindWords) -> Page {
    let kind = |name: &String| (name.clone(), pair::kind(name, words));
    let check = |name: &String| (name.clone(), name.replace('_', " "));
    Page {
        number: view.number.0,
        workflow: view.workflow.to_string(),
        headline: headline(&examples, asked.show),
        note: Some(
            "Both answers to the same prompt. That you looked is recorded on the change, with your name.",
        ),
        show: choices(
            &SHOWN.map(|(id, title, _)| (id.to_owned(), title.to_owned())),
            Some(id(asked.show)),
        ),
        checks: choices(
            &with_all("the answer as a whole", examples.checks.iter().map(check)),
            asked.check.as_deref(),
        ),
        kinds: choices(
            &with_all("all kinds", examples.strata.iter().map(kind)),
            asked.stratum.as_deref(),
        ),
        closed: None,
        empty: nothing(examples.running),
        pager: pager(view.number.0, asked, examples.next_skip),
        items: examples
            .items
            .into_iter()
            .map(|example| pair::item(example, words))
            .collect(),
    }
}

/// A page that shows nothing, and says why.
fn closed(view: &ChangeView, headline: &str, why: String) -> Page {
    Page {
        number: view.number.0,
        workflow: view.workflow.to_string(),
        headline: headline.to_owned(),
        note: None,
        show: Vec::new(),
        checks: Vec::new(),
        kinds: Vec::new(),
        items: Vec::new(),
        closed: Some(why),
        empty: nothing(false),
        pager: None,
    }
}

fn nothing(running: bool) -> Empty {
    let (title, text) = match running {
        true => (
            "The test is still going on",
            "No such pair so far. Look again when it has come further; the change page shows how far it is.",
        ),
        false => (
            "No such pair among the tested calls",
            "Choose another comparison, check or kind of request.",
        ),
    };
    Empty {
        title,
        text,
        action: None,
    }
}

const SHOWN: [(&str, &str, Show); 4] = [
    ("worse", "only the candidate fails", Show::Worse),
    ("better", "only today’s route fails", Show::Better),
    ("both_fail", "both fail", Show::BothFail),
    ("every", "all pairs", Show::Every),
];

fn id(show: Show) -> &'static str {
    SHOWN
        .iter()
        .find(|(_, _, own)| *own == show)
        .map_or("", |(id, _, _)| id)
}

fn headline(examples: &Examples, show: Show) -> String {
    let so_far = if examples.running { " so far" } else { "" };
    let what = match show {
        Show::Worse => "Fails on the candidate, passes today",
        Show::Better => "Passes on the candidate, fails today",
        Show::BothFail => "Fails on both",
        Show::Every => "All pairs",
    };
    format!("{what}: {}{so_far}", count(examples.total as u64))
}

fn with_all(all: &str, named: impl Iterator<Item = (String, String)>) -> Vec<(String, String)> {
    std::iter::once((String::new(), all.to_owned()))
        .chain(named)
        .collect()
}

fn choices(of: &[(String, String)], chosen: Option<&str>) -> Vec<Choice> {
    of.iter()
        .map(|(id, title)| Choice {
            id: id.clone(),
            title: title.clone(),
            selected: chosen.unwrap_or_default() == id,
        })
        .collect()
}

fn pager(number: u64, asked: &Asked, next: Option<usize>) -> Option<Pager> {
    let field = |field: &Option<String>| field.clone().unwrap_or_default();
    let link = |skip: usize| {
        let pairs = [
            ("show", id(asked.show).to_owned()),
            ("check", field(&asked.check)),
            ("stratum", field(&asked.stratum)),
            ("skip", skip.to_string()),
        ];
        let pairs: Vec<_> = pairs.iter().filter(|(_, value)| !value.is_empty()).collect();
        let query = serde_urlencoded::to_string(&pairs).unwrap_or_default();
        format!("/changes/{number}/examples?{query}")
    };
    (asked.skip > 0 || next.is_some()).then(|| Pager {
        first: (asked.skip > 0).then(|| link(0)),
        next: next.map(link),
    })
}

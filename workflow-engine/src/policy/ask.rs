//! A question as a script asks it: one JSON object, names instead of facts.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Asked, BudgetFacts, Decision, Finding, Measured, Phase, Request, Rulebook};
use crate::{
    catalog::{Catalog, fault::nearest},
    shadow::analysis::report::Report,
    values::{Hop, Route, Usd},
};

/// One line of `governor decide`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    /// Given back as it is.
    #[serde(default)]
    id: Value,
    workflow: String,
    /// The catalog's name of a route, or a whole route.
    #[serde(default)]
    route: Option<NamedOrWhole>,
    /// Instead of a route: the one hop of a call.
    #[serde(default)]
    provider: Option<String>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    region: Option<String>,
    /// Admission when left out; full where a report is given, traffic where a hop is.
    #[serde(default)]
    phase: Option<Phase>,
    /// The day of the question; today when left out.
    #[serde(default)]
    on: Option<NaiveDate>,
    #[serde(default)]
    budget: Option<BudgetFacts>,
    /// Of the workflow's cost centre; asked where `policy.cost_center_budgets` is on.
    #[serde(default)]
    cost_center_budget: Option<BudgetFacts>,
    /// What a month costs on today's route.
    #[serde(default)]
    monthly_now: Option<Usd>,
    #[serde(default)]
    claims_savings: bool,
    /// What `governor analyze` wrote.
    #[serde(default)]
    report: Option<Report>,
    /// When it was measured; the day of the question when left out.
    #[serde(default)]
    measured_on: Option<NaiveDate>,
    /// The candidate's list price of input divided by today's.
    #[serde(default)]
    list_input_ratio: Option<f64>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum NamedOrWhole {
    Named(String),
    Whole(Route),
}

/// The answer to one line.
#[derive(Clone, Debug, Serialize)]
pub struct Reply {
    /// As it was asked.
    pub id: Value,
    /// The workflow.
    pub workflow: String,
    /// The route's name.
    pub route: String,
    /// Ids of the controls that failed or are unknown; empty for a permit.
    pub failed: Vec<String>,
    /// GOV ids of those.
    pub controls: Vec<String>,
    /// The whole decision.
    #[serde(flatten)]
    pub decision: Decision,
}

/// Answers one line of JSON about `book`, on `today` unless it names a day.
///
/// # Errors
/// One sentence that names the field, and the nearest known name where a name is unknown.
pub fn answer(book: &Rulebook<'_>, line: &str, today: NaiveDate) -> Result<Reply, String> {
    let line: Line = serde_json::from_str(line).map_err(|error| match error.line() {
        0 => error.to_string(),
        _ => format!("column {}: {}", error.column(), said(&error)),
    })?;
    let catalog = book.catalog;
    let workflow = catalog.workflow(&line.workflow).ok_or_else(|| {
        let known = catalog.workflows.iter().map(|workflow| workflow.id.as_str());
        unknown("workflow", &line.workflow, known)
    })?;
    let (route, usual) = match (&line.route, &line.provider, &line.model) {
        (Some(NamedOrWhole::Named(id)), None, None) => {
            let known = catalog.routes.iter().map(|route| route.id.as_str());
            let entry = catalog.route(id).ok_or_else(|| unknown("route", id, known))?;
            (entry.route(), Phase::Admission)
        }
        (Some(NamedOrWhole::Whole(route)), None, None) => (route.clone(), Phase::Admission),
        (None, Some(provider), Some(model)) => {
            (one_hop(provider, model, line.region.as_ref()), Phase::Traffic)
        }
        _ => return Err("route: give a route, or else provider and model".to_owned()),
    };
    let usual = if line.report.is_some() { Phase::Full } else { usual };
    let day = line.on.unwrap_or(today);
    let measured = line.report.map(|report| Measured {
        report,
        on: line.measured_on.unwrap_or(day),
    });
    let request = Request::new(catalog, workflow, &route, (line.phase.unwrap_or(usual), day)).with(Asked {
        budget: line.budget,
        cost_center_budget: line.cost_center_budget,
        monthly_now: line.monthly_now,
        claims_savings: line.claims_savings,
        measured,
        list_input: line.list_input_ratio,
    });
    let decision = book.decide(&request);
    Ok(Reply {
        id: line.id,
        workflow: line.workflow,
        route: route.id,
        failed: distinct(decision.against().map(|finding| finding.control.id().to_owned())),
        controls: distinct(
            decision
                .against()
                .flat_map(|finding| governance(catalog, finding)),
        ),
        decision,
    })
}

/// The governance controls of a finding.
fn governance(catalog: &Catalog, finding: &Finding) -> Vec<String> {
    let known = |id: &&String| catalog.governance().iter().any(|control| control.id == **id);
    finding.references.iter().filter(known).cloned().collect()
}

fn distinct(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut names: Vec<_> = names.collect();
    names.sort();
    names.dedup();
    names
}

fn one_hop(provider: &str, model: &str, region: Option<&String>) -> Route {
    Route {
        id: format!("{provider}/{model}"),
        primary: Hop {
            provider: provider.to_owned(),
            model: model.to_owned(),
            region: region.cloned(),
            deployment: None,
            parameters: std::collections::BTreeMap::new(),
        },
        fallbacks: Vec::new(),
    }
}

fn unknown<'a>(field: &str, name: &str, known: impl Iterator<Item = &'a str>) -> String {
    match nearest(name, known) {
        Some(near) => format!("{field}: the catalog has no \"{name}\"; did you mean \"{near}\"?"),
        None => format!("{field}: the catalog has no \"{name}\""),
    }
}

/// The parser's message without the place, which is said apart.
fn said(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = text
        .rsplit_once(" at line ")
        .map_or(text.as_str(), |(what, _)| what);
    what.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::sample::sample;

    fn ask(line: &str) -> String {
        let catalog = sample();
        let book = Rulebook::new(&catalog);
        match answer(&book, line, "2026-11-24".parse().unwrap()) {
            Ok(reply) => format!(
                "{:?} {:?} {:?} {:?}",
                reply.decision.decision, reply.decision.phase, reply.failed, reply.controls
            ),
            Err(why) => why,
        }
    }

    #[test]
    fn a_route_is_asked_for_by_name_as_a_whole_or_as_the_hop_of_a_call() {
        insta::assert_snapshot!(ask(r#"{"id":1,"workflow":"support-answer","route":"gpt-4o-0806"}"#), @"Permit Admission [] []");
        insta::assert_snapshot!(ask(r#"{"workflow":"support-answer","route":"gpt-4o-mini-0718-ap"}"#), @r#"Deny Admission ["residency"] ["GOV-DAT-06", "GOV-SHD-07"]"#);
        insta::assert_snapshot!(ask(r#"{"workflow":"support-answer","provider":"openai","model":"gpt-4o-latest","region":"us"}"#), @r#"Deny Traffic ["capability", "model-version"] ["GOV-AGT-12", "GOV-MOD-05"]"#);
        insta::assert_snapshot!(ask(r#"{"workflow":"support-answer","route":{"id":"x","provider":"anthropic","model":"claude-3-5-sonnet-20240620"}}"#), @r#"Deny Admission ["residency"] ["GOV-DAT-06", "GOV-SHD-07"]"#);
        insta::assert_snapshot!(ask(r#"{"workflow":"support-answer","route":"gpt-4o-0806","phase":"full"}"#), @r#"Deny Full ["evidence"] ["GOV-TST-03"]"#);
        insta::assert_snapshot!(ask(r#"{"workflow":"support-answer","route":"gpt-4o-0806","phase":"traffic","budget":{"limit":"100","spent":"100"}}"#), @r#"Deny Traffic ["budget"] ["GOV-BUD-09"]"#);
        insta::assert_snapshot!(ask(r#"{"workflow":"support-answer","route":"gpt-4o-0806","on":"2028-07-01"}"#), @r#"Deny Admission ["certifications", "provider", "residency", "retention", "training-use"] ["GOV-DAT-06", "GOV-FBK-08", "GOV-MOD-05", "GOV-SHD-07"]"#);
    }

    #[test]
    fn what_cannot_be_asked_is_said_with_its_field() {
        insta::assert_snapshot!(ask(r#"{"workflow":"support-anser","route":"gpt-4o-0806"}"#), @r#"workflow: the catalog has no "support-anser"; did you mean "support-answer"?"#);
        insta::assert_snapshot!(ask(r#"{"workflow":"support-answer","route":"gpt-4o-0896"}"#), @r#"route: the catalog has no "gpt-4o-0896"; did you mean "gpt-4o-0806"?"#);
        insta::assert_snapshot!(ask(r#"{"workflow":"support-answer"}"#), @"route: give a route, or else provider and model");
        insta::assert_snapshot!(ask(r#"{"workflow":"support-answer","rout":"x"}"#), @"column 35: unknown field `rout`, expected one of `id`, `workflow`, `route`, `provider`, `model`, `region`, `phase`, `on`, `budget`, `cost_center_budget`, `monthly_now`, `claims_savings`, `report`, `measured_on`, `list_input_ratio`");
        insta::assert_snapshot!(ask("[1"), @"column 2: EOF while parsing a list");
    }
}

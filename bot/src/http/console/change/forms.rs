//! The forms of the change page: each is a command at the engine's door, sent with the page's secret.

use axum::{
    Form,
    extract::{self, Path},
    http::HeaderMap,
    response::{IntoResponse as _, Redirect, Response},
};
use serde::Deserialize;
use workflow_engine::{
    change::{command::Command, slots::Conditions, state::State},
    engine::{Note, file::Filing},
    policy::change::is_of_policy,
    store,
    values::{ChangeNumber, PersonId},
};

use super::super::shell::{Notice, Visitor};
use crate::http::{
    auth::csrf,
    commands::{GradeWord, Vote, send, with_text, written},
    problem::{Code, Problem},
    state::AppState,
};

/// Everything that a form of the page may send.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::http) struct Fields {
    csrf: String,
    key: String,
    revision: Option<u32>,
    packet: String,
    role: String,
    grade: String,
    reason: String,
    text: String,
    number: Option<u32>,
    candidate: String,
    to: String,
    days: String,
    // Browsers send an empty field as an empty text.
    canary_percent: String,
    monthly_cap_usd: String,
    expires_days: String,
}

/// `POST /changes/{number}/{verb}`. What is refused shows above the page, with its status; what is recorded leads back.
pub(in crate::http) async fn act(
    extract::State(state): extract::State<AppState>,
    visitor: Visitor,
    Path((number, verb)): Path<(u64, String)>,
    headers: HeaderMap,
    Form(fields): Form<Fields>,
) -> Result<Response, Problem> {
    csrf::check(&headers, &visitor.csrf, &fields.csrf)?;
    let number = ChangeNumber(number);
    match record(&state, &visitor, (number, &verb), fields).await {
        Ok(()) => Ok(Redirect::to(&format!("/changes/{}?done={verb}", number.0)).into_response()),
        Err(problem) if problem.status.is_server_error() || problem.code == "not-found" => Err(problem),
        Err(problem) => {
            let why = match problem.code {
                "key-reused" => "This form was answered before, with other words in it. Here is a fresh one.",
                _ => problem.detail.as_str(),
            };
            let notice = Notice::bad(format!("Nothing was recorded. {why}"));
            let page = super::page(&state, &visitor, number, Some(notice)).await?;
            Ok((problem.status, page).into_response())
        }
    }
}

async fn record(
    state: &AppState,
    visitor: &Visitor,
    (number, verb): (ChangeNumber, &str),
    fields: Fields,
) -> Result<(), Problem> {
    let key = match fields.key.as_str() {
        "" => state.secret(),
        key => key.chars().take(120).collect(),
    };
    let key = format!("form:{}:{key}", visitor.person);
    let command = command(state, visitor, (number, verb), fields).await?;
    send(state, visitor.actor(), (number, key), command)
        .await
        .map(|_| ())
}

async fn command(
    state: &AppState,
    visitor: &Visitor,
    (number, verb): (ChangeNumber, &str),
    fields: Fields,
) -> Result<(Command, Vec<Note>), Problem> {
    let plain = |command| Ok((command, Vec::new()));
    let which = fields.number.unwrap_or_default();
    match verb {
        "votes" => vote(fields)?.command(state),
        "comments" => with_text(state, ("text", &fields.text), |note| Command::Comment { note }),
        "answer" => with_text(state, ("reason", &fields.reason), |note| Command::Answer {
            number: which,
            note,
        }),
        "resolve" => plain(Command::ResolveConcern { number: which }),
        "delegate" => plain(delegate(state, visitor, &fields)?),
        "revise" => revise(state, visitor, number, &fields).await,
        "break-glass" => with_text(state, ("reason", &fields.reason), |reason| Command::BreakGlass {
            reason,
        }),
        "accept-emergency" | "refuse-emergency" => with_text(state, ("reason", &fields.reason), |note| {
            let accept = verb == "accept-emergency";
            Command::ReviewBreakGlass { accept, note }
        }),
        "submit" => plain(Command::Submit),
        "withdraw" => plain(Command::Withdraw),
        "pause" => plain(Command::PauseTest),
        "resume" => plain(Command::ResumeTest),
        "stop-test" => plain(stop_test()),
        "apply" => plain(Command::Apply {
            by_hand: by_hand(state, number).await?,
        }),
        "retry" => plain(Command::RetryApply),
        "confirm-applied" => plain(confirm_applied(state, number).await?),
        "revoke" => with_text(state, ("reason", &fields.reason), |note| Command::Revoke { note }),
        "rollback" => {
            let note = written(state, &fields.reason);
            let command = Command::RollBack {
                note: note.as_ref().map(|note| note.reference.clone()),
            };
            Ok((command, note.into_iter().collect()))
        }
        _ => Err(Problem::not_found("action", verb)),
    }
}

/// Somebody else in the reader's place, counted from now.
fn delegate(state: &AppState, visitor: &Visitor, fields: &Fields) -> Result<Command, Problem> {
    let bad = |what: &str| Problem::new(Code::BadBody, what.to_owned());
    let days: i64 = number(&fields.days, "number of days")?.unwrap_or(1);
    if !(1..=90).contains(&days) {
        return Err(bad("Somebody may decide in your place for 1 to 90 days."));
    }
    let to = PersonId::from(fields.to.as_str());
    if visitor.catalog.person(to.as_str()).is_none() {
        return Err(bad("Choose who decides in your place, then send the form again."));
    }
    Ok(Command::Delegate {
        role: fields.role.parse().map_err(|why: String| bad(&why))?,
        to,
        until: state.now() + chrono::Duration::days(days),
    })
}

/// Another candidate; a draft is edited, everything else becomes a new revision.
async fn revise(
    state: &AppState,
    visitor: &Visitor,
    number: ChangeNumber,
    fields: &Fields,
) -> Result<(Command, Vec<Note>), Problem> {
    let loaded = store::changes::by_number(state.db(), number).await?;
    let change = loaded.ok_or_else(|| Problem::not_found("change", number))?.change;
    let reason = written(state, &fields.reason);
    let filing = Filing {
        requester: visitor.person.clone(),
        key: String::new(),
        workflow: change.workflow,
        candidate: fields.candidate.clone(),
        claims_savings: change.claims_savings,
        co_authors: change.co_authors,
        reason: reason.clone(),
        cites: change.cites,
        submit: true,
    };
    let proposal = state.engine.proposal(&filing).await?;
    let command = match change.state {
        State::Draft => Command::Edit(proposal),
        _ => Command::Revise(proposal),
    };
    Ok((command, reason.into_iter().collect()))
}

/// The requester ends the test before its evidence is complete.
pub(crate) fn stop_test() -> Command {
    Command::FailTest {
        why: "The requester stopped the test before its evidence was complete.".to_owned(),
    }
}

/// Whether the gateway of the change's workflow is read-only to us, so that people apply from instructions.
///
/// # Errors
/// When the database does not answer.
pub(in crate::http) async fn by_hand(state: &AppState, number: ChangeNumber) -> Result<bool, Problem> {
    let loaded = store::changes::by_number(state.db(), number).await?;
    let loaded = loaded.ok_or_else(|| Problem::not_found("change", number))?;
    if is_of_policy(&loaded.change) {
        return Ok(false);
    }
    let catalog = state.catalog().await?;
    let gateway = catalog
        .workflow(loaded.change.workflow.as_str())
        .map(|entry| entry.gateway.as_str());
    Ok(!catalog
        .gateways
        .iter()
        .any(|entry| Some(entry.id.as_str()) == gateway && entry.apply))
}

async fn confirm_applied(state: &AppState, number: ChangeNumber) -> Result<Command, Problem> {
    let loaded = store::changes::by_number(state.db(), number).await?;
    let loaded = loaded.ok_or_else(|| Problem::not_found("change", number))?;
    let generation = loaded
        .change
        .application
        .map_or(0, |application| application.generation);
    Ok(Command::ConfirmApplied {
        generation,
        read_back: None,
    })
}

fn vote(fields: Fields) -> Result<Vote, Problem> {
    let bad = |what: &str| Problem::new(Code::BadBody, what.to_owned());
    let grade: GradeWord = serde_json::from_value(fields.grade.into())
        .map_err(|_| bad("Choose what you decide, then send the form again."))?;
    let conditions = Conditions {
        canary_percent: number(&fields.canary_percent, "share of traffic")?,
        monthly_cap_usd: number(&fields.monthly_cap_usd, "most dollars a month")?,
        expires_days: number(&fields.expires_days, "number of days")?,
    };
    Ok(Vote {
        role: (!fields.role.is_empty())
            .then(|| fields.role.parse())
            .transpose()
            .map_err(|why: String| bad(&why))?,
        revision: workflow_engine::values::Revision(fields.revision.unwrap_or_default()),
        packet_sha256: fields
            .packet
            .parse()
            .map_err(|_| bad("There is no packet to decide on yet. Open the page again."))?,
        grade,
        conditions: (grade == GradeWord::ApproveWithConditions).then_some(conditions),
        reason: Some(fields.reason),
    })
}

fn number<T: std::str::FromStr>(text: &str, what: &str) -> Result<Option<T>, Problem> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let number = text.trim().parse();
    number
        .map(Some)
        .map_err(|_| Problem::new(Code::BadBody, format!("The {what} must be a whole number.")))
}

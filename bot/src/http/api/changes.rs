//! `/api/v1/changes`: the one door, over HTTP.

use std::collections::BTreeSet;

use axum::{
    Json,
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;
use workflow_engine::{
    change::command::Command,
    engine::{
        Note, Outcome,
        file::Filing,
        queries::{Page, change_view::ChangeView, list::ChangeLine},
    },
    store::views::Filter,
    values::{ChangeNumber, PersonId, WorkflowId},
};

use super::{Body, Paging};
use crate::http::{
    auth::{Caller, Permission},
    commands::{Vote, send, with_text, written},
    console::{
        change::forms::{by_hand, stop_test},
        workflows,
    },
    idempotency::Key,
    problem::{Code, Problem},
    state::AppState,
};

/// Filters of the list.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    workflow: Option<String>,
    state: Option<String>,
    requester: Option<String>,
}

/// `GET /api/v1/changes?workflow=&state=&requester=&limit=&cursor=`: newest first; several states with commas.
pub(super) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    paging: Paging,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Page<ChangeLine>>, Problem> {
    caller.require(Permission::Read)?;
    let states = wanted
        .state
        .iter()
        .flat_map(|text| text.split(','))
        .filter(|word| !word.is_empty());
    let states: Result<Vec<_>, String> = states.map(str::parse).collect();
    let filter = Filter {
        workflow: wanted.workflow,
        states: states.map_err(|why| Problem::new(Code::BadQuery, format!("{why}.")))?,
        requester: wanted.requester,
        before: paging.cursor.and_then(|cursor| u64::try_from(cursor).ok()),
    };
    Ok(Json(state.engine.change_lines(&filter, paging.limit).await?))
}

/// `GET /api/v1/changes/{number}`.
pub(super) async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Path(number): Path<u64>,
) -> Result<Json<ChangeView>, Problem> {
    caller.require(Permission::Read)?;
    view(&state, ChangeNumber(number)).await
}

pub(super) async fn view(state: &AppState, number: ChangeNumber) -> Result<Json<ChangeView>, Problem> {
    let view = state.engine.change_view(number).await?;
    view.map(Json).ok_or_else(|| Problem::not_found("change", number))
}

/// What files a change.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewChange {
    workflow: WorkflowId,
    /// The catalog's id of the proposed route.
    candidate: String,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    claims_savings: bool,
    #[serde(default)]
    co_authors: BTreeSet<PersonId>,
    #[serde(default)]
    cites: Option<ChangeNumber>,
    /// Whether it is handed in at once (the default) or stays a draft.
    #[serde(default = "yes")]
    submit: bool,
}

fn yes() -> bool {
    true
}

/// `POST /api/v1/changes`: 201 with the change and its `Location`.
pub(super) async fn file(
    State(state): State<AppState>,
    caller: Caller,
    key: Key,
    Body(new): Body<NewChange>,
) -> Result<Response, Problem> {
    caller.require(Permission::Act)?;
    let catalog = state.catalog().await?;
    if catalog.workflow(new.workflow.as_str()).is_none() {
        return Err(workflows::unknown(&catalog, new.workflow.as_str()));
    }
    let filing = Filing {
        requester: person(&caller)?,
        key: key.command_key(&caller, state.engine.clock().new_id()),
        workflow: new.workflow,
        candidate: new.candidate,
        claims_savings: new.claims_savings,
        co_authors: new.co_authors,
        reason: new.reason.as_deref().and_then(|text| written(&state, text)),
        cites: new.cites,
        submit: new.submit,
    };
    let outcome = state.engine.file(filing).await?;
    let location = format!("/api/v1/changes/{}", outcome.number.0);
    Ok((
        StatusCode::CREATED,
        [(header::LOCATION, location)],
        view(&state, outcome.number).await?,
    )
        .into_response())
}

/// The person that the caller stands for; a program on its own behalf files and votes nothing.
pub(super) fn person(caller: &Caller) -> Result<PersonId, Problem> {
    caller.person.clone().ok_or_else(|| {
        Problem::new(
            Code::Forbidden,
            "This token stands for no person, and only people file changes. \
             Make one with `governor token create --role member --person ID`.",
        )
    })
}

/// `POST …/submit`.
pub(super) async fn submit(
    State(state): State<AppState>,
    caller: Caller,
    key: Key,
    Path(number): Path<u64>,
) -> Result<Json<Outcome>, Problem> {
    act(&state, &caller, (number, &key), Command::Submit, None).await
}

/// `POST …/votes`.
pub(super) async fn vote(
    State(state): State<AppState>,
    caller: Caller,
    key: Key,
    Path(number): Path<u64>,
    Body(vote): Body<Vote>,
) -> Result<Json<Outcome>, Problem> {
    caller.require(Permission::Act)?;
    let (command, notes) = vote.command(&state)?;
    act(&state, &caller, (number, &key), command, notes.into_iter().next()).await
}

/// A text.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Text {
    text: String,
}

/// `POST …/comments`.
pub(super) async fn comment(
    State(state): State<AppState>,
    caller: Caller,
    key: Key,
    Path(number): Path<u64>,
    Body(body): Body<Text>,
) -> Result<Json<Outcome>, Problem> {
    let (command, notes) = with_text(&state, ("text", &body.text), |note| Command::Comment { note })?;
    act(&state, &caller, (number, &key), command, notes.into_iter().next()).await
}

/// `POST …/withdraw`.
pub(super) async fn withdraw(
    State(state): State<AppState>,
    caller: Caller,
    key: Key,
    Path(number): Path<u64>,
) -> Result<Json<Outcome>, Problem> {
    act(&state, &caller, (number, &key), Command::Withdraw, None).await
}

/// What is to become of a running test.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) struct Steer {
    action: SteerWord,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SteerWord {
    Pause,
    Resume,
    Stop,
}

/// `POST …/test`: pauses the running test, lets it go on, or ends it without evidence.
pub(super) async fn steer_test(
    State(state): State<AppState>,
    caller: Caller,
    key: Key,
    Path(number): Path<u64>,
    Body(steer): Body<Steer>,
) -> Result<Json<Outcome>, Problem> {
    let command = match steer.action {
        SteerWord::Pause => Command::PauseTest,
        SteerWord::Resume => Command::ResumeTest,
        SteerWord::Stop => stop_test(),
    };
    act(&state, &caller, (number, &key), command, None).await
}

/// `POST …/apply`: to the gateway, or as instructions where the gateway is read-only to us.
pub(super) async fn apply(
    State(state): State<AppState>,
    caller: Caller,
    key: Key,
    Path(number): Path<u64>,
) -> Result<Json<Outcome>, Problem> {
    caller.require(Permission::Act)?;
    let by_hand = by_hand(&state, ChangeNumber(number)).await?;
    act(&state, &caller, (number, &key), Command::Apply { by_hand }, None).await
}

/// Why the old route is to return.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Why {
    reason: String,
}

/// `POST …/rollback`.
pub(super) async fn roll_back(
    State(state): State<AppState>,
    caller: Caller,
    key: Key,
    Path(number): Path<u64>,
    Body(why): Body<Why>,
) -> Result<Json<Outcome>, Problem> {
    let note = written(&state, &why.reason);
    let command = Command::RollBack {
        note: note.as_ref().map(|note| note.reference.clone()),
    };
    act(&state, &caller, (number, &key), command, note).await
}

async fn act(
    state: &AppState,
    caller: &Caller,
    (number, key): (u64, &Key),
    command: Command,
    note: Option<Note>,
) -> Result<Json<Outcome>, Problem> {
    caller.require(Permission::Act)?;
    let key = key.command_key(caller, state.engine.clock().new_id());
    let notes = note.into_iter().collect();
    send(
        state,
        caller.actor(),
        (ChangeNumber(number), key),
        (command, notes),
    )
    .await
    .map(Json)
}

//! `/api/v1/policies`: the policy that holds now, what another one would decide, and proposing it.

use axum::{
    Json,
    extract::{Query, State},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use workflow_engine::{
    catalog::{ApprovalRules, Catalog, DataClass, PolicySettings, load},
    engine::{policy::PolicyProposal, queries::Page},
    policy::{
        Governance, Phase, Rulebook,
        cedar::rules::OwnRules,
        change::{PolicyParts, Review},
        facts::{StatedFact, ending},
        what_if::{WhatIf, what_if},
    },
    values::Digest,
};

use super::{Body, changes::person};
use crate::http::{
    auth::{Caller, Permission},
    commands::written,
    idempotency::Key,
    problem::{Code, Problem},
    state::AppState,
};

/// A policy as it holds.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Policy {
    /// Digest of the catalog that it is part of; a change names the one it was submitted under.
    catalog_sha256: Digest,
    /// Digest of the rules, as decisions name it.
    policy_sha256: Digest,
    /// What the controls compare with, and the organisation's own rules.
    policy: PolicySettings,
    /// Who must agree.
    approval: ApprovalRules,
    /// The ladder of data classes.
    data_classes: Vec<DataClass>,
    /// Governance controls and their frameworks.
    controls: Vec<Governance>,
    /// Facts about vendors that are past their last day, or will be within thirty days.
    ending_facts: Vec<StatedFact>,
}

/// `GET /api/v1/policies`.
pub(super) async fn list(
    State(state): State<AppState>,
    caller: Caller,
) -> Result<Json<Page<Policy>>, Problem> {
    caller.require(Permission::Read)?;
    let (catalog_sha256, catalog) = state.engine.catalog().await?;
    let policy = Policy {
        catalog_sha256,
        policy_sha256: Rulebook::new(&catalog).policy_sha256(),
        policy: catalog.policy.clone(),
        approval: catalog.approval.clone(),
        data_classes: catalog.data_classes.clone(),
        controls: catalog.governance().to_vec(),
        ending_facts: ending(&catalog, today(&state, &catalog)),
    };
    Ok(Json(Page {
        items: vec![policy],
        next_cursor: None,
    }))
}

/// Which question is asked of each pair.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    phase: Option<Phase>,
}

/// `GET /api/v1/policies/what-if?phase=`: every workflow on every route under the policy that holds.
pub(super) async fn matrix(
    State(state): State<AppState>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Result<Json<WhatIf>, Problem> {
    caller.require(Permission::Read)?;
    let (_, catalog) = state.engine.catalog().await?;
    let at = (asked.phase.unwrap_or(Phase::Admission), today(&state, &catalog));
    let said = tokio::task::spawn_blocking(move || what_if(None, &catalog, at)).await;
    said.map(Json).map_err(|error| Problem::internal(&error))
}

/// Another policy: the organisation's rules alone, or a whole catalog file whose policy parts count.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Proposed {
    /// Cedar text in place of the rules that hold.
    rules: Option<String>,
    /// A catalog file (TOML); its policy, approval rules, data classes and controls are taken.
    catalog: Option<String>,
    /// Why; for a proposal.
    reason: Option<String>,
}

/// `POST /api/v1/policies/what-if`: what it would decide differently; nothing is recorded.
pub(super) async fn try_out(
    State(state): State<AppState>,
    caller: Caller,
    Body(proposed): Body<Proposed>,
) -> Result<Json<Review>, Problem> {
    caller.require(Permission::Read)?;
    let (_, now) = state.engine.catalog().await?;
    let after = parts(&proposed, &now)?.in_place_of(&now);
    Ok(Json(state.engine.policy_review(&after).await?))
}

/// `POST /api/v1/policies`: 201 with the change that proposes it and its `Location`. In force once it is approved.
pub(super) async fn propose(
    State(state): State<AppState>,
    caller: Caller,
    key: Key,
    Body(proposed): Body<Proposed>,
) -> Result<Response, Problem> {
    caller.require(Permission::Act)?;
    let (_, now) = state.engine.catalog().await?;
    let proposal = PolicyProposal {
        requester: person(&caller)?,
        key: key.command_key(&caller, state.engine.clock().new_id()),
        parts: parts(&proposed, &now)?,
        reason: proposed.reason.as_deref().and_then(|text| written(&state, text)),
    };
    let outcome = state.engine.propose_policy(proposal).await?;
    let location = format!("/api/v1/changes/{}", outcome.number.0);
    Ok((
        StatusCode::CREATED,
        [(header::LOCATION, location)],
        super::changes::view(&state, outcome.number).await?,
    )
        .into_response())
}

/// The policy that `proposed` describes, if nothing is wrong with it.
fn parts(proposed: &Proposed, now: &Catalog) -> Result<PolicyParts, Problem> {
    let wrong = |what: String| Problem::new(Code::BadPolicy, what);
    match (&proposed.rules, &proposed.catalog) {
        (Some(rules), None) => with_rules(now, rules).map_err(wrong),
        (None, Some(text)) => {
            let catalog = load("catalog", text).map_err(|faults| wrong(faults.to_string()))?;
            Ok(PolicyParts::of(&catalog))
        }
        _ => Err(wrong("Give `rules`, or else `catalog`.".to_owned())),
    }
}

/// The policy of `now` with `rules` in place of its own; everything that is wrong with them otherwise, line by line.
pub(in crate::http) fn with_rules(now: &Catalog, rules: &str) -> Result<PolicyParts, String> {
    if let Err(faults) = OwnRules::parse(rules) {
        let lines: Vec<String> = faults.iter().map(|fault| format!("rules:{fault}")).collect();
        return Err(lines.join("\n"));
    }
    let mut parts = PolicyParts::of(now);
    rules.clone_into(&mut parts.policy.rules);
    Ok(parts)
}

/// Today, in the company's time zone.
pub(in crate::http) fn today(state: &AppState, catalog: &Catalog) -> NaiveDate {
    let now = state.engine.clock().now();
    now.with_timezone(&catalog.company.time_zone).date_naive()
}

//! `/api/v1/policies`: the policy that holds now.

use axum::{Json, extract::State};
use serde::Serialize;
use workflow_engine::{
    catalog::{ApprovalRules, DataClass, PolicySettings},
    engine::queries::Page,
    values::Digest,
};

use crate::http::{
    auth::{Caller, Permission},
    problem::Problem,
    state::AppState,
};

/// A policy as it holds.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Policy {
    /// Digest of the catalog that it is part of; a change names the one it was submitted under.
    catalog_sha256: Digest,
    /// What the controls compare with.
    policy: PolicySettings,
    /// Who must agree.
    approval: ApprovalRules,
    /// The ladder of data classes.
    data_classes: Vec<DataClass>,
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
        policy: catalog.policy.clone(),
        approval: catalog.approval.clone(),
        data_classes: catalog.data_classes.clone(),
    };
    Ok(Json(Page {
        items: vec![policy],
        next_cursor: None,
    }))
}

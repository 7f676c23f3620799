//! `/api/v1/changes/{number}/examples`: both answers side by side, for cleared people; each look is recorded.

use axum::{
    Json,
    extract::{Path, Query, State},
};
use workflow_engine::{
    engine::shadow::{
        examples::{Asked, Examples, ExamplesError},
        vault::VaultError,
    },
    values::ChangeNumber,
};

use crate::http::{
    auth::{Caller, Permission},
    problem::{Code, Problem},
    state::AppState,
};

/// `GET …/examples?check=&stratum=&show=worse|better|both_fail|every&skip=&limit=`.
pub(super) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Path(number): Path<u64>,
    Query(asked): Query<Asked>,
) -> Result<Json<Examples>, Problem> {
    caller.require(Permission::Read)?;
    let viewer = caller.person.clone().ok_or_else(|| {
        Problem::new(
            Code::Forbidden,
            "This token stands for no person, and only cleared people read prompts. \
             Make one with `governor token create --role member --person ID`.",
        )
    })?;
    let vault = state.vault()?;
    Ok(Json(vault.examples(&viewer, ChangeNumber(number), &asked).await?))
}

impl From<ExamplesError> for Problem {
    fn from(error: ExamplesError) -> Self {
        match error {
            ExamplesError::NotFound(_) | ExamplesError::NoWorkflow(_) | ExamplesError::NoPair(_) => {
                Self::new(Code::NotFound, sentence(&error))
            }
            ExamplesError::NotCleared(_) => Self::new(Code::Forbidden, sentence(&error)),
            ExamplesError::Vault(VaultError::Erased) => Self::new(Code::NotFound, sentence(&error)),
            ExamplesError::NotRecorded(error) => error.into(),
            ExamplesError::Store(error) | ExamplesError::Vault(VaultError::Store(error)) => error.into(),
            ExamplesError::Vault(error) => Self::internal(&error),
        }
    }
}

/// As a sentence: capital letter, full stop.
fn sentence(error: &ExamplesError) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string());
    let end = if text.ends_with('.') { "" } else { "." };
    format!("{}{}{end}", first.unwrap_or_default(), letters.as_str())
}

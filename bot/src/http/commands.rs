//! From what comes over HTTP, as JSON or as a form, to a command at the engine's one door.

use serde::Deserialize;
use workflow_engine::{
    change::{
        command::{Ballot, Command, Grade},
        slots::Conditions,
        state::NoteRef,
    },
    engine::{HandleError, Note, Outcome, Request, ledger::LedgerError},
    store::error::StoreError,
    values::{Actor, ChangeNumber, Digest, Revision, Role},
};

use super::{
    problem::{Code, Problem},
    state::AppState,
};

/// A vote as it comes over HTTP. It names the edition and the packet that the voter saw.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vote {
    /// For which slot; when left out, the one slot that the voter may fill.
    #[serde(default)]
    pub role: Option<Role>,
    /// The edition the voter saw.
    pub revision: Revision,
    /// The packet the voter saw.
    pub packet_sha256: Digest,
    /// What they say.
    pub grade: GradeWord,
    /// For `approve_with_conditions`.
    #[serde(default)]
    pub conditions: Option<Conditions>,
    /// Why; needed to deny, to raise a concern and to ask.
    #[serde(default)]
    pub reason: Option<String>,
}

/// What a voter may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GradeWord {
    /// Yes.
    Approve,
    /// Yes, if.
    ApproveWithConditions,
    /// Not until this is settled.
    RaiseConcern,
    /// I cannot tell yet.
    AskForInformation,
    /// No.
    Deny,
    /// Somebody else should decide.
    Recuse,
}

impl Vote {
    /// The command of this vote, with its text.
    ///
    /// # Errors
    /// When a conditional yes names no condition.
    pub fn command(self, state: &AppState) -> Result<(Command, Vec<Note>), Problem> {
        let grade = match self.grade {
            GradeWord::Approve => Grade::Approve,
            GradeWord::ApproveWithConditions => Grade::ApproveWithConditions(some(self.conditions)?),
            GradeWord::RaiseConcern => Grade::RaiseConcern,
            GradeWord::AskForInformation => Grade::AskForInformation,
            GradeWord::Deny => Grade::Deny,
            GradeWord::Recuse => Grade::Recuse,
        };
        let note = self.reason.as_deref().and_then(|text| written(state, text));
        let ballot = Ballot {
            role: self.role,
            revision: self.revision,
            packet: self.packet_sha256,
            grade,
            note: note.as_ref().map(|note| note.reference.clone()),
        };
        Ok((Command::Vote(ballot), note.into_iter().collect()))
    }
}

fn some(conditions: Option<Conditions>) -> Result<Conditions, Problem> {
    let named = |it: &Conditions| {
        it.canary_percent.is_some() || it.monthly_cap_usd.is_some() || it.expires_days.is_some()
    };
    conditions.filter(named).ok_or_else(|| {
        Problem::new(
            Code::BadBody,
            "A conditional yes needs a condition: canary_percent, monthly_cap_usd or expires_days.",
        )
    })
}

/// A note of what somebody wrote, unless it is blank.
#[must_use]
pub fn written(state: &AppState, text: &str) -> Option<Note> {
    let text = text.trim();
    (!text.is_empty()).then(|| state.engine.note(text))
}

/// A command that carries a text, which must not be blank.
///
/// # Errors
/// 400 that names the field.
pub fn with_text(
    state: &AppState,
    (field, text): (&str, &str),
    command: impl FnOnce(NoteRef) -> Command,
) -> Result<(Command, Vec<Note>), Problem> {
    let note = written(state, text).ok_or_else(|| {
        Problem::new(
            Code::BadBody,
            format!("`{field}` must not be empty; say why in a sentence."),
        )
    })?;
    Ok((command(note.reference.clone()), vec![note]))
}

/// Sends a command to the door.
///
/// # Errors
/// A refusal with its code and sentence, or why it could not be recorded.
pub async fn send(
    state: &AppState,
    actor: Actor,
    (number, key): (ChangeNumber, String),
    (command, notes): (Command, Vec<Note>),
) -> Result<Outcome, Problem> {
    let request = Request {
        actor,
        key,
        change: number,
        command,
        notes,
        completes: None,
    };
    Ok(state.engine.handle(request).await?)
}

impl From<HandleError> for Problem {
    fn from(error: HandleError) -> Self {
        match error {
            HandleError::Refused(refusal) => refusal.into(),
            HandleError::NotFound(number) => Self::not_found("change", number),
            HandleError::KeyReused(_) => Self::new(
                Code::KeyReused,
                "This Idempotency-Key belongs to an earlier request with another body. Use a new one.",
            ),
            HandleError::Busy | HandleError::ClaimLost => Self::new(
                Code::Conflict,
                "Somebody was faster several times in a row. Send it again.",
            )
            .retry_after(1),
            HandleError::Invalid(why) => Self::new(Code::BadBody, sentence(&why)),
            HandleError::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(why) => {
                tracing::error!(%why, "the database does not answer");
                Self::new(
                    Code::Unavailable,
                    "The database does not answer. Send it again soon, with the same Idempotency-Key: it is recorded once.",
                )
                .retry_after(5)
            }
            StoreError::Contended => Self::new(
                Code::Conflict,
                "Two writes met. Send it again; it is recorded once.",
            )
            .retry_after(1),
            other => Self::internal(&other),
        }
    }
}

impl From<LedgerError> for Problem {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::NotSealed { .. } => Self::new(Code::NotFound, sentence(&error.to_string())),
            LedgerError::Store(error) => error.into(),
            other => Self::internal(&other),
        }
    }
}

/// `the catalog has no route …` → `The catalog has no route ….`
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters
        .next()
        .map(|letter| letter.to_uppercase().collect())
        .unwrap_or_default();
    let end = if text.ends_with(['.', '?']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}

//! `/api/v1/ledger`: the newest signed checkpoint, and proofs that an entry is under it.

use axum::{
    Json,
    extract::{Path, State},
    http::header,
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use workflow_engine::{
    engine::erasure::EraseError,
    ledger::{merkle, notice::Erasure},
    store::ledger::witnesses::Standing,
    values::{Digest, PersonId},
};

use super::Body;
use crate::http::{
    auth::{Caller, Permission},
    problem::{Code, Problem},
    state::AppState,
};

/// `GET /api/v1/ledger/checkpoint`: the signed note as text, for witnesses.
pub(super) async fn checkpoint(State(state): State<AppState>, caller: Caller) -> Result<Response, Problem> {
    caller.require(Permission::Read)?;
    let note = state.ledger.checkpoint().await?;
    let note = note.ok_or_else(|| {
        Problem::new(
            Code::NotFound,
            "Nothing is sealed yet. The first decision makes the first checkpoint.",
        )
    })?;
    Ok((
        [(header::CONTENT_TYPE, "text/plain; charset=utf-8")],
        note.to_text(),
    )
        .into_response())
}

/// A witness of the ledger.
#[derive(Clone, Debug, Serialize)]
pub(super) struct WitnessView {
    name: String,
    vkey: String,
    /// Entries under the largest head it cosigned.
    entries: u64,
    cosigned_at: Option<DateTime<Utc>>,
    asked_at: Option<DateTime<Utc>>,
    /// `in step`, `behind` (it did not cosign when last asked) or `alarm` (it holds another ledger than ours).
    state: &'static str,
    trouble: Option<String>,
}

/// `GET /api/v1/ledger/witnesses`.
pub(super) async fn witnesses(
    State(state): State<AppState>,
    caller: Caller,
) -> Result<Json<serde_json::Value>, Problem> {
    caller.require(Permission::Read)?;
    let view = |one: Standing| WitnessView {
        name: one.name().to_owned(),
        entries: one.size,
        cosigned_at: one.cosigned_at.and_then(DateTime::from_timestamp_millis),
        asked_at: DateTime::from_timestamp_millis(one.asked_at),
        state: match (one.alarm, &one.trouble) {
            (true, _) => "alarm",
            (false, Some(_)) => "behind",
            (false, None) => "in step",
        },
        trouble: one.trouble,
        vkey: one.vkey,
    };
    let items: Vec<WitnessView> = state.ledger.witnesses().await?.into_iter().map(view).collect();
    Ok(Json(serde_json::json!({ "items": items, "next_cursor": null })))
}

/// Whose data is erased.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Erase {
    person: String,
}

/// `POST /api/v1/ledger/erasures`: erases what is stored of a person who is no longer in the catalog.
pub(super) async fn erase(
    State(state): State<AppState>,
    caller: Caller,
    Body(asked): Body<Erase>,
) -> Result<Json<Erasure>, Problem> {
    caller.require(Permission::Admin)?;
    let person = PersonId(asked.person);
    match state.engine.erase_person(&person, &caller.actor()).await {
        Ok(erased) => Ok(Json(erased)),
        Err(EraseError::Nothing(person)) => Err(Problem::not_found("person", person)),
        Err(error @ EraseError::InCatalog(_)) => Err(Problem::new(Code::Conflict, format!("{error}."))),
        Err(EraseError::Store(error)) => Err(error.into()),
    }
}

/// An entry with the proof that it is in the ledger.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Inclusion {
    index: u64,
    /// The sealed bytes, base64: hash them yourself.
    entry_base64: String,
    /// RFC 6962 leaf hash of the entry.
    leaf_hash: Digest,
    /// Digests beside the path from the leaf to the root, lowest first, hex.
    path: Vec<Digest>,
    tree_size: u64,
    root_hash: Digest,
    /// The signed checkpoint that the path leads to.
    checkpoint: String,
    /// The same proof as a C2SP tlog-proof file.
    tlog_proof: String,
}

/// `GET /api/v1/ledger/proof/{index}`.
pub(super) async fn proof(
    State(state): State<AppState>,
    caller: Caller,
    Path(index): Path<u64>,
) -> Result<Json<Inclusion>, Problem> {
    caller.require(Permission::Read)?;
    let entry = state.ledger.entry(index).await?;
    let proof = state.ledger.proof(index).await?;
    let head = &proof.checkpoint.checkpoint.head;
    Ok(Json(Inclusion {
        index,
        leaf_hash: Digest(merkle::leaf_hash(&entry)),
        entry_base64: BASE64.encode(&entry),
        path: proof.path.iter().map(|hash| Digest(*hash)).collect(),
        tree_size: head.size,
        root_hash: Digest(head.root),
        checkpoint: proof.checkpoint.to_text(),
        tlog_proof: proof.to_text(),
    }))
}

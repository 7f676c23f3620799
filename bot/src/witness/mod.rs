//! The witness: a small program apart from the service that cosigns heads of ledgers which only ever grow.
//!
//! It speaks C2SP tlog-witness, so it serves other logs too, and other witnesses serve us. It should run on another
//! machine and under other hands than the ledger it watches.

mod kept;

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use workflow_engine::{
    ledger::{
        key::{SigningKey, VerifierKey},
        witness::{AddCheckpoint, Refused},
    },
    ports::clock::Clock,
};

pub use kept::{Kept, KeptError};

/// Longest request: 63 lines of proof and a note with many signatures.
const LONGEST: usize = 64 << 10;

/// A witness over the heads it keeps. Share it as an `Arc`.
pub struct Witness {
    key: SigningKey,
    logs: Vec<VerifierKey>,
    kept: Kept,
    clock: Arc<dyn Clock>,
}

impl Witness {
    /// A witness of `logs` that signs with `key` and keeps what it saw in `folder`.
    ///
    /// # Errors
    /// When the heads kept there cannot be read.
    pub fn open(
        folder: &std::path::Path,
        key: SigningKey,
        logs: Vec<VerifierKey>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, KeptError> {
        Ok(Self {
            key,
            logs,
            kept: Kept::open(folder)?,
            clock,
        })
    }

    /// Its endpoints: `POST /add-checkpoint` for logs; for auditors `GET /checkpoint/<origin>`, the newest note it has
    /// cosigned, and `GET /`, whose it has.
    pub fn router(self: Arc<Self>) -> Router {
        Router::new()
            .route("/", get(about))
            .route("/add-checkpoint", post(add))
            .route("/checkpoint/{*origin}", get(newest))
            .layer(DefaultBodyLimit::max(LONGEST))
            .with_state(self)
    }

    /// Judges a request; the new head is on disk before the cosignature is given away.
    fn add(&self, body: &str) -> Result<String, Failed> {
        let asked = AddCheckpoint::parse(body)?;
        let origin = asked.note.checkpoint.origin.clone();
        let time = u64::try_from(self.clock.now().timestamp()).unwrap_or_default();
        let cosignature = asked.note.cosign(&self.key, time);
        self.kept.advance(&origin, |held| {
            let head = asked.judge(&self.logs, held)?;
            let mut note = asked.note.clone();
            note.signatures.push(cosignature.clone());
            Ok::<_, Failed>((head, note.to_text()))
        })?;
        Ok(cosignature.line())
    }
}

/// Why there is no cosignature.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    Disk(#[from] KeptError),
}

async fn add(State(witness): State<Arc<Witness>>, body: String) -> Response {
    // Syncing a file blocks.
    let outcome = tokio::task::spawn_blocking(move || witness.add(&body)).await;
    match outcome {
        Ok(Ok(line)) => line.into_response(),
        // The specification wants the size alone.
        Ok(Err(Failed::Refused(Refused::Holds(size)))) => {
            let kind = [(header::CONTENT_TYPE, "text/x.tlog.size")];
            (StatusCode::CONFLICT, kind, format!("{size}\n")).into_response()
        }
        Ok(Err(Failed::Refused(refused))) => {
            tracing::warn!(%refused, "a head was not cosigned");
            let status = StatusCode::from_u16(refused.status()).unwrap_or(StatusCode::BAD_REQUEST);
            (status, format!("{refused}\n")).into_response()
        }
        Ok(Err(Failed::Disk(error))) => {
            tracing::error!(%error, "nothing is cosigned until this is mended");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The witness's key and the logs it knows a head of, one a line.
async fn about(State(witness): State<Arc<Witness>>) -> String {
    let logs: String = witness
        .kept
        .notes()
        .into_keys()
        .map(|origin| origin + "\n")
        .collect();
    format!("{}\n{logs}", witness.key.public())
}

/// The newest head of a log that this witness has cosigned: what an auditor compares the ledger with.
async fn newest(State(witness): State<Arc<Witness>>, Path(origin): Path<String>) -> Response {
    match witness.kept.notes().remove(&origin) {
        Some(note) => note.into_response(),
        None => (
            StatusCode::NOT_FOUND,
            format!("no head of {origin} was seen here yet\n"),
        )
            .into_response(),
    }
}

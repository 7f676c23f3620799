//! Attaching supporting evidence: pairs out of another tool's results, kept by digest and named in the ledger.

use super::{Engine, HandleError, Request};
use crate::{
    change::{
        attached::{Attached, Format},
        command::Command,
    },
    evidence::supporting::Supporting,
    shadow::{analysis::pairs::parse_lines, statistics::paired_binary::Counts},
    store::{self, error::StoreError},
    values::{Actor, ChangeNumber, Digest, PersonId},
};

/// Most pairs of one file.
pub const MOST_PAIRS: usize = 100_000;

/// What somebody attaches.
#[derive(Clone, Debug)]
pub struct Attachment {
    /// To which change.
    pub change: ChangeNumber,
    /// Who.
    pub by: PersonId,
    /// Whose file it is.
    pub format: Format,
    /// SHA-256 of the file as it was sent.
    pub sha256: Digest,
    /// The pairs that were read from it, one JSON object a line.
    pub pairs: String,
    /// Answers without a counterpart.
    pub unpaired: u64,
    /// The models it compares, as the file calls them.
    pub models: Option<[String; 2]>,
}

/// Why nothing was attached.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// The pairs cannot be read, or there are too many; the sentence says which and what to do.
    #[error("{0}")]
    Unusable(String),
    /// The change does not take it.
    #[error(transparent)]
    Handle(#[from] HandleError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine {
    /// Attaches a file of results to a change; the same file again changes nothing.
    ///
    /// # Errors
    /// [`AttachError`]; nothing is on record then.
    pub async fn attach(&self, attachment: Attachment) -> Result<Attached, AttachError> {
        let Attachment { change, by, .. } = attachment;
        let known = self.supporting(change).await?;
        if let Some(known) = known.into_iter().find(|it| it.file.sha256 == attachment.sha256) {
            return Ok(known.file);
        }
        let file = Attached {
            sha256: attachment.sha256,
            pairs_sha256: Digest::of(attachment.pairs.as_bytes()),
            format: attachment.format,
            counts: counts(&attachment.pairs)?,
            unpaired: attachment.unpaired,
            models: attachment.models.map(|names| names.map(|name| plain(&name))),
        };
        // Kept first: a crash between the two leaves rows that nothing names, never a name without its rows.
        store::supporting::keep(self.db(), &file.pairs_sha256, attachment.pairs).await?;
        self.handle(Request {
            key: format!("attach:{change}:{}:{by}", file.sha256),
            actor: Actor::Person(by),
            change,
            command: Command::AttachEvidence(file.clone()),
            notes: Vec::new(),
            completes: None,
        })
        .await?;
        Ok(file)
    }

    /// What is attached to a change, oldest first.
    ///
    /// # Errors
    /// When the database does not answer, or a row cannot be read.
    pub async fn supporting(&self, number: ChangeNumber) -> Result<Vec<Supporting>, StoreError> {
        let Some(loaded) = store::changes::by_number(self.db(), number).await? else {
            return Ok(Vec::new());
        };
        let mut attached = Vec::new();
        for event in store::changes::events(self.db(), loaded.change.id.as_str()).await? {
            // What a newer program has recorded may be unknown here.
            let Ok(read) = event.event() else { continue };
            let at = chrono::DateTime::from_timestamp_millis(event.at).unwrap_or_default();
            attached.extend(Supporting::of(&read, at));
        }
        Ok(attached)
    }
}

fn counts(pairs: &str) -> Result<Counts, AttachError> {
    let pairs = parse_lines(pairs).map_err(|error| AttachError::Unusable(error.to_string()))?;
    if pairs.len() > MOST_PAIRS {
        return Err(AttachError::Unusable(format!(
            "{} pairs are more than the {MOST_PAIRS} that one file may have; attach a part of them",
            pairs.len()
        )));
    }
    Ok(Counts::of(
        pairs
            .iter()
            .map(|pair| (pair.arms.incumbent.ok, pair.arms.candidate.ok)),
    ))
}

/// A model's name stands in the ledger for ever, so nothing else may be written into it.
fn plain(name: &str) -> String {
    let allowed = |letter: &char| letter.is_ascii_alphanumeric() || "-._:/@ ".contains(*letter);
    name.chars().filter(allowed).take(80).collect()
}

//! Has the ledger's newest head stamped by an outside clock, and keeps the stamp for exports.

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};

use super::ledger::{Ledger, LedgerError};
use crate::{
    ports::{
        clock::Clock,
        timestamp::{StampError, TimestampAuthority},
    },
    store::ledger::timestamps::{self, Stamped},
};

/// Why no head was stamped.
#[derive(Debug, thiserror::Error)]
pub enum StampingError {
    /// The authority.
    #[error(transparent)]
    Authority(#[from] StampError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl Ledger {
    /// Has the newest signed head stamped, unless it was; gives its size and the time vouched for.
    ///
    /// # Errors
    /// [`StampingError`].
    pub async fn stamp(
        &self,
        authority: &dyn TimestampAuthority,
        clock: &dyn Clock,
    ) -> Result<Option<(u64, DateTime<Utc>)>, StampingError> {
        let Some(note) = self.checkpoint().await? else {
            return Ok(None);
        };
        let size = note.checkpoint.head.size;
        let newest = timestamps::newest(self.db.reads())
            .await
            .map_err(LedgerError::from)?;
        if newest.is_some_and(|stamped| stamped.size == size) {
            return Ok(None);
        }
        let note = note.to_text();
        let mut nonce = [0; 8];
        clock.random(&mut nonce);
        let stamp = authority
            .stamp(&Sha256::digest(note.as_bytes()).into(), nonce)
            .await?;
        let stamped = Stamped {
            size,
            note,
            response: stamp.response,
            at: stamp.at.timestamp_millis(),
        };
        timestamps::keep(&self.db, stamped)
            .await
            .map_err(LedgerError::from)?;
        Ok(Some((size, stamp.at)))
    }

    /// The newest stamped head.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn stamped(&self) -> Result<Option<Stamped>, LedgerError> {
        Ok(timestamps::newest(self.db.reads()).await?)
    }
}

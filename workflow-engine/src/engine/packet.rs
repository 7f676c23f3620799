//! The packet that people decide on, read back as it was sealed.

use super::Engine;
use crate::{
    change::state::Change,
    evidence::packet::Packet,
    store::{self, error::StoreError},
};

impl Engine {
    /// The packet of the change's current edition; none before it is sealed, or where its shape is newer than this program.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn packet(&self, change: &Change) -> Result<Option<Packet>, StoreError> {
        let Some(digest) = change.packet else {
            return Ok(None);
        };
        let stored = store::packets::by_digest(self.db(), digest).await?;
        Ok(stored.and_then(|stored| Packet::sealed_in(stored.envelope.as_bytes(), digest)))
    }
}

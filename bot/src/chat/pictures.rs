//! The packet's pictures as a file in the thread, once for each edition.

use workflow_engine::{engine::jobs::JobError, ports::chat::Attachment};

use super::outbox::Outbox;
use crate::packet::png;

impl Outbox<'_> {
    /// Puts the plots into the change's thread. Without them people still have the table and the page, so nothing waits for it.
    pub(super) async fn show_pictures(&self, change_id: &str) -> Result<(), JobError> {
        let Some(loaded) = self.load(change_id).await? else {
            return Ok(());
        };
        let change = &loaded.change;
        let Some(packet) = self.chat.engine.packet(change).await? else {
            return Ok(());
        };
        let (Some(test), Some(root)) = (&packet.test, self.root(change).await?) else {
            return Ok(());
        };
        let (_, catalog) = self.chat.engine.catalog().await?;
        let bytes = png::of(&packet, test, &catalog)
            .await
            .map_err(JobError::permanent)?;
        let file = Attachment {
            name: format!("evidence-{}-rev-{}.png", change.number.0, change.revision.0),
            title: "Answers by kind of request, cost and time to answer".to_owned(),
            bytes,
        };
        if let Err(error) = self.chat.platform.upload(&root.thread(), &file).await {
            tracing::warn!(%error, "the pictures of a packet could not be put into its thread");
        }
        Ok(())
    }
}

//! A click on what is no longer there: nothing is recorded, and the person hears what changed.

use workflow_engine::{
    change::{event::Event, state::Change},
    engine::jobs::JobError,
    store,
    values::Revision,
};

use super::{
    Chat,
    button::{Shown, beginning},
};
use crate::cards::words::clock;

impl Chat {
    /// What changed since a card showed `shown`; none when it is still the current one.
    pub(super) async fn what_changed(
        &self,
        shown: &Shown,
        change: &Change,
    ) -> Result<Option<String>, JobError> {
        if shown.revision == change.revision && shown.packet == beginning(change.packet) {
            return Ok(None);
        }
        let stand = format!(
            "What you saw has changed since: it is now revision {} ({}).",
            change.revision.0,
            change.state.title().to_lowercase()
        );
        let how = self.revision_words(shown.revision, change).await?;
        Ok(Some(format!(
            "{stand}{how} Nothing was recorded. Look at the card as it is now, then decide."
        )))
    }

    /// Who revised it after `seen`, when, and to what.
    async fn revision_words(&self, seen: Revision, change: &Change) -> Result<String, JobError> {
        let (_, catalog) = self.engine.catalog().await?;
        let now = self.engine.clock().now();
        let mut words = String::new();
        for stored in store::changes::events(self.engine.db(), change.id.as_str()).await? {
            let Ok(Event::Revised {
                proposal, revision, ..
            }) = stored.event()
            else {
                continue;
            };
            if revision <= seen {
                continue;
            }
            let who = catalog
                .person(&stored.actor)
                .map_or(stored.actor.as_str(), |person| person.name.as_str());
            let at = chrono::DateTime::from_timestamp_millis(stored.at).unwrap_or(now);
            words = format!(
                " {who} revised it at {} UTC to {}.",
                clock(at, now),
                proposal.candidate.id
            );
        }
        Ok(words)
    }
}

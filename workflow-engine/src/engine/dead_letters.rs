//! A job that was given up comes back into the queue by somebody with a name.

use super::{Engine, HandleError, Request};
use crate::{
    change::command::Command,
    store::{self, error::StoreError},
    values::{Actor, JobId},
};

impl Engine {
    /// Sends a dead letter again; false when `id` is none. On a job of a change who it was is recorded as an event of
    /// the change first: a process that ends in between leaves the dead letter, and whoever asks again completes it.
    ///
    /// # Errors
    /// As [`Engine::handle`].
    pub async fn send_again(&self, id: &JobId, by: &Actor) -> Result<bool, HandleError> {
        let Some(dead) = store::queue::dead_letter(&self.db, id).await? else {
            return Ok(false);
        };
        if let Some(change) = &dead.change_id {
            let loaded = store::changes::by_id(&self.db, change).await?;
            let loaded = loaded.ok_or_else(|| StoreError::Corrupt(format!("job {id} is of no change")))?;
            self.handle(Request {
                actor: by.clone(),
                // The claim under which it died: once for each death and actor, however often it is asked.
                key: format!("again:{id}:{}:{by}", dead.token),
                change: loaded.change.number,
                command: Command::SendJobAgain {
                    id: id.clone(),
                    kind: dead.kind,
                },
                notes: Vec::new(),
                completes: None,
            })
            .await?;
        }
        let now = self.clock.now().timestamp_millis();
        let found = store::queue::requeue(&self.db, id, &by.to_string(), now).await?;
        tracing::info!(job = %id, %by, found, "a dead letter was sent again");
        self.wake.notify_waiters();
        Ok(found)
    }
}

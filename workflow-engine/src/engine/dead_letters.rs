//! Jobs that were given up: told on their change, and sent again by somebody with a name.

use super::{Engine, HandleError, Request};
use crate::{
    change::command::Command,
    store::{self, error::StoreError, queue::Job},
    values::{Actor, JobId},
};

impl Engine {
    /// Records on its change that a job was given up, so that people see it.
    pub(super) async fn tell_dead(&self, job: &Job, why: &str) -> Result<(), StoreError> {
        let Some(change_id) = &job.change_id else {
            return Ok(());
        };
        let Some(loaded) = store::changes::by_id(&self.db, change_id).await? else {
            return Ok(());
        };
        let told = self
            .handle(Request {
                actor: Actor::Service("job runner".to_owned()),
                key: format!("dead:{}:{}", job.ticket.id, job.ticket.token),
                change: loaded.change.number,
                command: Command::ReportDeadJob {
                    kind: job.kind.clone(),
                    why: why.to_owned(),
                },
                notes: Vec::new(),
                completes: None,
            })
            .await;
        if let Err(error) = told {
            tracing::warn!(error = %error, "cannot tell the change of its dead job");
        }
        Ok(())
    }

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

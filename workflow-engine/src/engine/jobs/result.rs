//! A job's result on its way through the door, and what becomes of one that came too late.

use std::time::Duration;

use super::{Job, JobError};
use crate::{
    change::{command::Command, refusal::RefusalCode},
    engine::{Engine, HandleError, Request},
    store,
    values::{Actor, ChangeNumber},
};

/// When a result that a frozen change did not take is tried again, by whoever carries its rules then.
const FROZEN: Duration = Duration::from_secs(30);

/// Sends a job's result through the door; that the change has moved on without it is no fault of the job.
///
/// # Errors
/// When the door could not be passed for another reason.
pub async fn report(
    engine: &Engine,
    job: &Job,
    number: ChangeNumber,
    command: Command,
) -> Result<(), JobError> {
    let request = Request {
        actor: Actor::Service(job.kind.clone()),
        key: job.key(),
        change: number,
        command,
        notes: Vec::new(),
        completes: Some(job.ticket.clone()),
    };
    match engine.handle(request).await {
        Ok(_) => Ok(()),
        Err(HandleError::ClaimLost) => {
            lost(engine, job);
            Ok(())
        }
        Err(HandleError::Refused(refusal)) if refusal.code == RefusalCode::Frozen => Err(JobError::NotYet {
            why: refusal.message,
            after: FROZEN,
        }),
        Err(HandleError::Refused(refusal)) => {
            if store::claims::holds(engine.db(), &job.ticket).await? {
                tracing::info!(job.kind = %job.kind, refusal.code = refusal.code.as_str(), "result not needed any more");
            } else {
                lost(engine, job);
            }
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

/// Somebody else has the job by now: this process stood still past its lease. Its result is dropped, and counted.
pub(super) fn lost(engine: &Engine, job: &Job) {
    engine.counts().stale_results.one();
    tracing::warn!(job.kind = %job.kind, job.id = %job.ticket.id, token = job.ticket.token, "a result came after its claim had run out; it is dropped, another worker has the job");
}

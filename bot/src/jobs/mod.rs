//! What the service does by itself: one file an effect or a chore.

pub mod admission;
pub mod announce;
pub mod apply_route;
pub mod ask_approvers;
pub mod assess;
pub mod budget_watch;
pub mod calls;
pub mod chat_interaction;
pub mod digest;
pub mod gate;
pub mod housekeeping;
mod policy_change;
pub mod post_card;
pub mod publish_ledger;
pub mod restore_route;
pub mod run_shadow;
pub mod schedule;
pub mod seal_rows;
mod spend;
mod subject;
pub mod timers;
pub mod verify_traffic;
pub mod witness;

use workflow_engine::{
    change::{command::Command, state::Change},
    engine::{Engine, Request, jobs::JobError},
    store::{self, queue::Job},
    values::Actor,
};

/// The change that a job belongs to, as it stands now.
async fn change_of(engine: &Engine, job: &Job) -> Result<Change, JobError> {
    let id = job.change_id.as_deref().unwrap_or_default();
    let loaded = store::changes::by_id(engine.db(), id).await?;
    let loaded = loaded.ok_or_else(|| JobError::permanent("its change is not there"))?;
    Ok(loaded.change)
}

/// Tells the change of a job that was given up what that means for it.
async fn tell_given_up(engine: &Engine, job: &Job, command: Command) {
    let Ok(change) = change_of(engine, job).await else {
        return;
    };
    let told = engine
        .handle(Request {
            actor: Actor::Service(job.kind.clone()),
            key: format!("gave up:{}", job.key()),
            change: change.number,
            command,
            notes: Vec::new(),
            completes: None,
        })
        .await;
    if let Err(error) = told {
        tracing::warn!(error = %error, job.kind = %job.kind, "cannot tell the change of a job that was given up");
    }
}

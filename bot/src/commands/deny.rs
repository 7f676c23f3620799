//! `deny`: denies it; the reason is needed.

use workflow_engine::{change::command::Grade, engine::jobs::JobError};

use super::{Call, ChatCommand, named};

const USAGE: &str = "deny #142 because …";

pub(super) const COMMAND: ChatCommand = ChatCommand {
    name: "deny",
    usage: USAGE,
    does: "denies it; the reason is needed",
    changes: true,
    wants_words: true,
    run: |call| Box::pin(run(call)),
};

async fn run(call: Call<'_>) -> Result<(), JobError> {
    let Some(change) = named(&call, USAGE).await? else {
        return Ok(());
    };
    call.chat
        .cast(call.interaction, call.person, &change, (Grade::Deny, call.rest))
        .await
}

//! `approve`: approves what the card shows now, for the role you are asked for.

use workflow_engine::{change::command::Grade, engine::jobs::JobError};

use super::{Call, ChatCommand, named};

const USAGE: &str = "approve #142";

pub(super) const COMMAND: ChatCommand = ChatCommand {
    name: "approve",
    usage: USAGE,
    does: "approves what the card shows now, for the role you are asked for",
    changes: true,
    wants_words: false,
    run: |call| Box::pin(run(call)),
};

async fn run(call: Call<'_>) -> Result<(), JobError> {
    let Some(change) = named(&call, USAGE).await? else {
        return Ok(());
    };
    call.chat
        .cast(
            call.interaction,
            call.person,
            &change,
            (Grade::Approve, call.rest),
        )
        .await
}

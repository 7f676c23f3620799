//! `recuse`: stands down, so that somebody else of your role decides.

use workflow_engine::{change::command::Grade, engine::jobs::JobError};

use super::{Call, ChatCommand, named};

const USAGE: &str = "recuse #142";

pub(super) const COMMAND: ChatCommand = ChatCommand {
    name: "recuse",
    usage: USAGE,
    does: "stands down, so that somebody else of your role decides",
    changes: true,
    wants_words: false,
    run: |call| Box::pin(run(call)),
};

async fn run(call: Call<'_>) -> Result<(), JobError> {
    let Some(change) = named(&call, USAGE).await? else {
        return Ok(());
    };
    call.chat
        .cast(call.interaction, call.person, &change, (Grade::Recuse, call.rest))
        .await
}

//! `ask`: asks a question; the clock stands still until somebody answers.

use workflow_engine::{change::command::Grade, engine::jobs::JobError};

use super::{Call, ChatCommand, named};

const USAGE: &str = "ask #142 …";

pub(super) const COMMAND: ChatCommand = ChatCommand {
    name: "ask",
    usage: USAGE,
    does: "asks a question; the clock stands still until somebody answers",
    changes: true,
    wants_words: true,
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
            (Grade::AskForInformation, call.rest),
        )
        .await
}
